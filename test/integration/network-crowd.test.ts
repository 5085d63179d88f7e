// Promise: two hundred pods with addresses and ports that come and go side by side leave nothing: no address, rule, link,
// mount or cgroup, and none of them is denied what is its.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { type OwnNetworks, readAddresses, readRules, testWithNetworks } from "../support/networks.ts";
import type { PeapodHost } from "../support/peapod-host.ts";
import { SLOWNESS } from "../support/slowness.ts";

/** Where all takes twenty times as long, a tenth of them, and so few at once that no plugin takes longer than it may. */
const PODS = SLOWNESS > 1 ? 20 : 200;
const AT_ONCE = SLOWNESS > 1 ? 2 : 8;

t.setTimeout(1_800_000);

testWithNetworks(
  "a crowd of pods comes and goes",
  async (t, host, networks) => {
    const plugins = [
      networks.bridge(),
      { type: "portmap", capabilities: { portMappings: true } },
      { type: "firewall" },
    ];
    networks.list("10-blue.conflist", { cniVersion: "1.0.0", name: "blue", plugins });
    // What plugins make once for all is there from the first pod on.
    const first = host.aPod();
    await host.must("run", "-d", "-p", "80", first.file);
    t.ok(count(host, networks).rules > 0, "its rules are counted");
    await host.must("delete", "--force", first.name);
    const before = count(host, networks);
    const seen = new Set<string>();
    const waiting = Array.from({ length: PODS }, (_, index) => host.aPod({ name: `p${process.pid}-${index}` }));
    const live = async (): Promise<void> => {
      for (let pod = waiting.shift(); pod !== undefined; pod = waiting.shift()) {
        await host.must("run", "-d", "-p", "80", pod.file);
        const { podIP } = await host.shown(pod);
        seen.add(podIP ?? "none");
        await host.must("delete", "--force", pod.name);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, live));
    t.notOk(seen.has("none"), "each had an address");
    t.ok(seen.size > AT_ONCE, `${seen.size} addresses were given`);
    t.strictSame(readAddresses(networks), []);
    t.strictSame(readRules(`p${process.pid}-`), [], "no rule bears their names");
    t.strictSame(count(host, networks), before, "all is as it was");
  },
  { deadlineMs: 1_500_000 },
);

/** Of this test's own, and what plugins make once for all; the ports of others, which run beside it, come and go. */
function count(host: PeapodHost, networks: OwnNetworks): Record<"mounts" | "links" | "rules" | "common", number> {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  const { bridge, ipam } = networks.bridge() as {
    readonly bridge: string;
    readonly ipam: { readonly ranges: readonly (readonly { readonly subnet: string }[])[] };
  };
  const subnets = ipam.ranges.flat().map(({ subnet }) => subnet.replace(/0?\/\d+$/, ""));
  return {
    mounts: mounts.filter((line) => line.includes(host.dir)).length,
    links: readdirSync(join("/sys/class/net", bridge, "brif")).length,
    rules: readRules(...subnets).length,
    common: readRules("-j CNI-HOSTPORT-DNAT", "-j CNI-HOSTPORT-MASQ", "-j CNI-FORWARD", "-j CNI-ADMIN").length,
  };
}
