// Promise: where the disk with the images is full, at whichever step of a pull, the user reads one sentence, nothing of the
// pull is left, and the images that were there stay as they were; they can be removed, and then the pull works.

import { existsSync, lstatSync, readFileSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { makeImage, whyNoImages, writeArchive } from "../support/image-layout.ts";
import { filesBelow, storeOf } from "../support/image-store.ts";
import { type Test, testWithHost } from "../support/peapod-host.ts";
import { patient } from "../support/slowness.ts";
import { HostWithSmallDisk } from "../support/small-disk.ts";

t.setTimeout(patient(600_000));

const ROOMY = { size: 16_384, nr_inodes: 4096 } as const;
const PAGE_KIB = 4;
type Limit = keyof typeof ROOMY;

class Host extends HostWithSmallDisk {
  constructor() {
    super({}, storeOf, asOptions(ROOMY));
  }

  /** So much, in KiB or inodes; of the other there is enough. */
  limit(what: Limit, most: number): void {
    this.resize(asOptions({ ...ROOMY, [what]: most }));
  }

  used(what: Limit): number {
    const { blocks, bfree, bsize, files, ffree } = statfsSync(this.disk);
    return what === "size" ? ((blocks - bfree) * bsize) / 1024 : files - ffree;
  }

  /** Every file with what is in it. */
  all(): Record<string, string> {
    const read = (name: string) => {
      const path = join(this.disk, name);
      return lstatSync(path).isFile() ? readFileSync(path, "latin1") : "a link";
    };
    return Object.fromEntries(filesBelow(this.disk).map((name) => [name, read(name)]));
  }
}

function asOptions({ size, nr_inodes }: Record<Limit, number>): string {
  return `size=${size}k,nr_inodes=${nr_inodes}`;
}

function testOnDisk(sentence: string, body: (t: Test, host: Host) => Promise<void>): void {
  const run = async (t: Test, host: Host) => {
    await host.isReady();
    const layout = join(host.dir, "layout");
    makeImage(layout, {
      tag: "old",
      archives: [writeArchive(join(host.dir, "old.tar"), [{ name: "old", text: "x" }])],
    });
    const files = [
      { name: "new", text: "y".repeat(90_000) },
      { name: "newer", text: "z" },
    ] as const;
    makeImage(layout, { tag: "new", trees: [], archives: [writeArchive(join(host.dir, "new.tar"), files)] });
    await host.must("image", "pull", "oci:layout:old");
    await body(t, host);
  };
  testWithHost(sentence, () => new Host(), run, { skip: whyNoImages(), deadlineMs: 500_000 });
}

const SENTENCE =
  /^peapod: image oci:\S+layout:new cannot be (pulled|unpacked): there is no space left in \S+images\nhint: peapod image prune --all .*\n$/m;

type Stage = "copy" | "unpack" | "small files" | "enough";

/** Where the pull of `new` ends; whatever it was, afterwards all is as before. */
async function pullOnce(t: Test, host: Host, what: string, before: Record<string, string>): Promise<Stage> {
  const { code, err } = await host.peapod("image", "pull", "oci:layout:new");
  if (code === 0) {
    await host.must("image", "rm", "oci:layout:new");
    t.strictSame(host.all(), before, `${what}: removed again`);
    return "enough";
  }
  const [, word] = SENTENCE.exec(err) ?? [];
  t.equal(code, 125, what);
  t.match(err, SENTENCE, what);
  t.equal(err.split("\n").filter((line) => line.startsWith("peapod: ")).length, 1, `${what}: one sentence`);
  t.strictSame(host.all(), before, `${what}: nothing is left of it, and what was there is as it was`);
  if (word === "unpacked") return "unpack";
  return err.includes("unpacking") ? "small files" : "copy";
}

for (const limit of ["size", "nr_inodes"] as const)
  testOnDisk(`a disk with too small a ${limit}, for whichever file`, async (t, host) => {
    const before = host.all();
    const least = host.used(limit);
    await host.must("image", "pull", "oci:layout:new");
    const most = host.used(limit);
    await host.must("image", "rm", "oci:layout:new");
    const step = limit === "size" ? PAGE_KIB : 1;
    const seen = new Set<Stage>();
    // From below, where there is no room for a claim, to where a layer is cut off.
    for (let more = 0; more < 8; more += 1) {
      host.limit(limit, least + more * step);
      seen.add(await pullOnce(t, host, `${limit} ${least} + ${more}`, before));
    }
    // From where all fits down to where files of the image do not: what comes last is small.
    let last: Stage = "enough";
    for (let room = most + 8 * step; last !== "unpack" && room > least; room -= step) {
      host.limit(limit, room);
      last = await pullOnce(t, host, `${limit} ${room}`, before);
      seen.add(last);
    }
    t.strictSame([...seen].sort(), ["copy", "enough", "small files", "unpack"], "each has been seen");
    host.limit(limit, ROOMY[limit]);
    await host.must("image", "pull", "oci:layout:new");
    t.match(await host.json("image", "list"), [{ names: [/:new$/] }, { names: [/:old$/] }]);
  });

testOnDisk("images can be removed from a disk without a byte or an inode, and then there is room", async (t, host) => {
  await host.must("image", "pull", "oci:layout:new");
  for (const limit of ["size", "nr_inodes"] as const) {
    const before = host.all();
    host.limit(limit, host.used(limit));
    t.match(
      await host.peapod("image", "pull", "oci:layout:new"),
      { code: 125, err: SENTENCE },
      "also one that is here",
    );
    t.strictSame(host.all(), before, "which stays");
    t.match(await host.must("image", "rm", "oci:layout:old"), /^sha256:/, limit);
    await host.must("image", "pull", "oci:layout:new");
    host.limit(limit, ROOMY[limit]);
    await host.must("image", "pull", "oci:layout:old");
    t.strictSame(Object.keys(host.all()).sort(), Object.keys(before).sort());
  }
  host.limit("nr_inodes", host.used("nr_inodes"));
  t.equal((await host.must("image", "prune", "--all")).split("\n").length, 3, "two digests");
  t.strictSame(host.all(), {}, "nothing is left");
});

testOnDisk("a pod whose image finds no room is told where it asks for it", async (t, host) => {
  const before = host.all();
  const file = join(host.dir, "pod.yaml");
  const spec = "{containers: [{name: c, image: 'oci:layout:new', command: [x]}]}";
  writeFileSync(file, `{apiVersion: v1, kind: Pod, metadata: {name: full}, spec: ${spec}}`);
  host.fill();
  const { code, err } = await host.peapod("run", "-d", file);
  host.empty();
  t.equal(code, 125);
  t.match(
    err,
    /^peapod: container c: image oci:\S+:new cannot be pulled: there is no space left in \S+ \(\S+pod.yaml:1\)$/m,
  );
  t.strictSame(host.all(), before);
  t.notOk(existsSync(join(host.root, "pods/full")), "and there is no pod");
});
