// What killed pulls leave in the store, and what nobody names any more, doctor tells, and takes away when asked; never what
// a pull that goes on is using, nor an image that has a name.

import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { EXIT } from "../../src/doors/cli/exit-codes.ts";
import type { DoctorReport } from "../../src/engine/engine.ts";
import { makeImage, whyNoImages } from "../support/image-layout.ts";
import { filesOf, storeOf } from "../support/image-store.ts";
import { type PeapodHost, testWithPeapod } from "../support/peapod-host.ts";
import { Gate, Registry } from "../support/registry.ts";
import { waitUntil } from "../support/wait-until.ts";

interface Found {
  readonly code: number | null;
  /** `claims/…: claim of a process that is gone`, below the store. */
  readonly left: readonly string[];
  readonly fixed: readonly string[];
}

async function examine(host: PeapodHost, ...args: string[]): Promise<Found> {
  const { code, out, err } = await host.peapod("doctor", "--format", "json", ...args);
  if (out === "") throw new Error(err);
  const { objects, fixed } = JSON.parse(out) as DoctorReport;
  const left = objects.filter(({ orphan }) => orphan);
  const tell = (all: typeof objects) =>
    all.map(({ kind, name, detail }) => `${kind} ${relative(storeOf(host), name)}: ${detail}`).sort();
  return { code, left: tell(left), fixed: tell(fixed) };
}

/** A layer that is more than any buffer on the way holds. */
function makeLargeImage(host: PeapodHost, tag: string): string {
  const layout = join(host.dir, "layout");
  const tree = join(host.dir, `${tag}-tree`);
  mkdirSync(tree);
  writeFileSync(join(tree, "file"), randomBytes(3_000_000));
  makeImage(layout, { tag, trees: [tree] });
  return layout;
}

testWithPeapod(
  "what a killed pull left is found and removed, what another pull is using is not touched",
  async (t, host) => {
    const layout = makeLargeImage(host, "a");
    makeLargeImage(host, "b");
    const registry = await Registry.start(host.dir);
    const gates: Gate[] = [];
    /** A pull that has come to the middle of its layer. */
    const startPull = async (tag: string) => {
      registry.push(layout, tag, `${tag}:1`);
      const gate = await Gate.open(registry.address, 1_000_000);
      gates.push(gate);
      const image = `${gate.address}/${tag}:1`;
      const pull = host.start(["image", "pull", image]);
      await waitUntil("it is in the middle", () => gate.isSilent, 20_000);
      return { gate, pull, claim: `claims/${encodeURIComponent(image)}` };
    };
    try {
      const killed = await startPull("a");
      killed.pull.child.kill("SIGKILL");
      await killed.pull.ended;
      const [side] = readdirSync(join(storeOf(host), "tmp"));
      const expected = [
        `image ${killed.claim}: claim of a process that is gone`,
        `image tmp/${side}: of a pull that was killed`,
      ];
      t.strictSame(await examine(host), { code: EXIT.found, left: expected, fixed: [] });
      t.match(await host.peapod("doctor"), { code: EXIT.found, out: /left over: of a pull/, err: /doctor --fix/ });
      t.strictSame(await examine(host, "--fix"), { code: 0, left: expected, fixed: expected });
      t.strictSame(filesOf(host), [], "nothing is left");
      const going = await startPull("b");
      // As one would be that died beside it.
      symlinkSync("999999999-1", join(storeOf(host), "claims/dead"));
      mkdirSync(join(storeOf(host), "tmp/999999999-1-1/unpacked"), { recursive: true });
      const dead = [
        "image claims/dead: claim of a process that is gone",
        "image tmp/999999999-1-1: of a pull that was killed",
      ];
      t.strictSame(
        await examine(host),
        { code: EXIT.found, left: dead, fixed: [] },
        "nothing of the pull that goes on",
      );
      t.strictSame(await examine(host, "--fix"), { code: 0, left: dead, fixed: dead });
      t.ok(filesOf(host).includes(going.claim), "its claim is there");
      t.equal(readdirSync(join(storeOf(host), "tmp")).length, 1, "and what it has");
      going.gate.goOn();
      t.match(await going.pull.ended, { code: 0, out: /^sha256:/ }, "it brings the image");
      t.strictSame(
        await examine(host, "--fix"),
        { code: 0, left: [], fixed: [] },
        "whose name nobody uses, and it stays",
      );
      t.match(await host.json("image", "list"), [{ names: [/b:1$/], usedBy: [] }]);
    } finally {
      for (const gate of gates) gate.close();
      await registry.stop();
    }
  },
  { skip: whyNoImages("docker-registry") },
);

testWithPeapod(
  "what nobody names is left over; not where a pod uses it",
  async (t, host) => {
    const layout = join(host.dir, "layout");
    const image = `oci:${layout}:a`;
    const pullAnew = async (label: string) => {
      makeImage(layout, { tag: "a", config: ["--config.cmd", "/bin/sleep", "--config.cmd", "1000", ...of(label)] });
      return (await host.must("image", "pull", image)).trim().replace("sha256:", "");
    };
    const of = (label: string) => ["--config.label", `of=${label}`];
    const used = await pullAnew("used");
    const pod = host.aPod({ name: "user", containers: [{ name: "c", image, run: "exec sleep 1000" }] });
    await host.must("run", "-d", pod.file);
    const renamed = await pullAnew("renamed");
    const named = await pullAnew("named");
    const store = storeOf(host);
    writeFileSync(join(store, "blobs/sha256", "0".repeat(64)), "a layer\n");
    writeFileSync(join(store, "names/cut.json"), "");
    const expected = [
      `image blobs/sha256/${"0".repeat(64)}: blob of no image`,
      "image names/cut.json: name of an image that is not here",
      `image unpacked/${renamed}: image without a name, used by no pod`,
    ];
    t.strictSame((await examine(host)).left, expected);
    t.strictSame(await examine(host, "--fix"), { code: 0, left: expected, fixed: expected });
    t.strictSame(readdirSync(join(store, "unpacked")).sort(), [used, named].sort());
    t.equal((await host.state(pod)).status, "running");
    await host.must("delete", "--force", "user");
    t.strictSame((await examine(host, "--fix")).fixed, [
      `image unpacked/${used}: image without a name, used by no pod`,
    ]);
    // As a disk may leave it that lost power.
    writeFileSync(join(store, "unpacked", named, "image.json"), "");
    await host.must("image", "pull", image);
    t.strictSame(await examine(host), { code: 0, left: [], fixed: [] });
    await host.must("image", "rm", image);
    mkdirSync(join(store, "unpacked", used, "rootfs"), { recursive: true });
    t.strictSame((await examine(host, "--fix")).fixed, [
      `image unpacked/${used}: image without a name, used by no pod`,
    ]);
    t.notOk(existsSync(store), "nothing is left");
  },
  { skip: whyNoImages() },
);
