// Promise: where the disk with the attachment records is full, at whichever step, the user reads one sentence, no address is
// lost, and what was attached before can be left.

import { readdirSync } from "node:fs";
import t from "tap";
import { ATTACHMENTS_DIR } from "../../src/base/paths.ts";
import { LACKS_PLUGINS, ownNetworks, readAddresses, readRules } from "../support/networks.ts";
import { type Test, testWithHost } from "../support/peapod-host.ts";
import { HostWithSmallDisk } from "../support/small-disk.ts";

t.setTimeout(600_000);

const networks = ownNetworks();

class Host extends HostWithSmallDisk {
  constructor(options: string) {
    super(networks.env, ATTACHMENTS_DIR, options);
  }

  override async noLeftovers(t: Test): Promise<void> {
    await super.noLeftovers(t);
    t.same(readdirSync(this.disk), [], "no record is left on the small disk");
    t.same(readAddresses(networks), [], "no address is left");
  }
}

function testOnDisk(sentence: string, options: string, body: (t: Test, host: Host) => Promise<void>): void {
  const make = () => new Host(options);
  const plugins = [networks.bridge(), { type: "portmap", capabilities: { portMappings: true } }, { type: "firewall" }];
  testWithHost(
    sentence,
    make,
    async (t, host) => {
      networks.list("10-blue.conflist", { cniVersion: "1.0.0", name: "blue", plugins });
      await host.isReady();
      await body(t, host);
    },
    { skip: LACKS_PLUGINS },
  );
}

const SENTENCE =
  /^peapod: network blue: \/var\/lib\/peapod\/attachments\/\S+\.json: ENOSPC: no space left on device.*\n$/;

// A page holds one record: there is none for the first, none for what the first plugin answers, one file for each.
for (const options of ["size=4k", "size=8k", "size=64k,nr_inodes=2", "size=64k,nr_inodes=3"])
  testOnDisk(`a disk of ${options}: a pod comes up and goes, or is refused`, options, async (t, host) => {
    for (const isFull of [true, false]) {
      if (isFull) host.fill();
      const pod = host.aPod({ name: `f${process.pid}` });
      const { code, err } = await host.peapod("run", "-d", "-p", "80", pod.file);
      if (code === 0) await host.must("delete", "--force", pod.name);
      else t.match({ code, err }, { code: 125, err: SENTENCE });
      host.empty();
      t.ok(code !== 0 || !isFull, "without room there is no pod");
      t.same(readAddresses(networks), []);
      t.same(readRules(`${pod.name}-`), []);
      t.same(readdirSync(host.disk), []);
    }
  });

testOnDisk("a pod leaves its network though the disk has become full", "size=64k", async (t, host) => {
  const pod = host.aPod({ name: `d${process.pid}` });
  await host.must("run", "-d", "-p", "80", pod.file);
  t.equal(readAddresses(networks).length, 2);
  host.fill();
  await host.must("delete", "--force", pod.name);
  t.same(readAddresses(networks), []);
  t.same(readRules(`${pod.name}-`), []);
  host.empty();
});

if (LACKS_PLUGINS) t.comment(LACKS_PLUGINS);
