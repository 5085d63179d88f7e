// Pulls that are given up or killed in the middle, at each of their stages: the store stays whole, nobody goes on working
// for them, and the next pull does it all.

import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ATerminal, NO_TERMINAL } from "../support/a-terminal.ts";
import { makeImage, whyNoImages, writeArchive } from "../support/image-layout.ts";
import { filesOf, storeOf, toolsOf } from "../support/image-store.ts";
import { type PeapodHost, type Test, testWithPeapod } from "../support/peapod-host.ts";
import { Gate, Registry } from "../support/registry.ts";
import { waitUntil } from "../support/wait-until.ts";

const skip = whyNoImages();
const skipRegistry = whyNoImages("docker-registry");
const STATUS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** A registry that has `a:1`, for as long as `run` takes. */
async function withRegistry(host: PeapodHost, run: (registry: Registry) => Promise<void>): Promise<void> {
  const layout = join(host.dir, "layout");
  makeImage(layout, { tag: "a" });
  const registry = await Registry.start(host.dir);
  try {
    registry.push(layout, "a", "a:1");
    await run(registry);
  } finally {
    await registry.stop();
  }
}

async function withGate(registry: Registry, bytes: number, run: (gate: Gate) => Promise<void>): Promise<void> {
  const gate = await Gate.open(registry.address, bytes);
  try {
    await run(gate);
  } finally {
    gate.close();
  }
}

/** After the end of whoever pulled. */
async function isWhole(t: Test, host: PeapodHost, what: string): Promise<void> {
  await waitUntil("nobody works on", () => toolsOf(host).length === 0, 10_000).catch(() => undefined);
  t.strictSame(toolsOf(host), [], `${what}: nobody works on`);
  t.equal(await host.must("image", "list", "--quiet"), "", `${what}: no image is there`);
  const halves = filesOf(host).filter((name) => /^(names|unpacked)\//.test(name));
  t.strictSame(halves, [], `${what}: nothing half`);
}

function writePod(host: PeapodHost, image: string): string {
  const file = join(host.dir, "pod.yaml");
  writeFileSync(
    file,
    `{apiVersion: v1, kind: Pod, metadata: {name: pulled}, spec: {containers: [{name: c, image: '${image}'}]}}`,
  );
  return file;
}

testWithPeapod(
  "a pull that a signal ends while a registry is silent leaves nothing, and says so by its status",
  async (t, host) =>
    await withRegistry(host, async (registry) => {
      // Before the manifest, and in the middle of the layer.
      for (const bytes of [0, 50_000])
        for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"] as const)
          for (const verb of signal === "SIGHUP" ? (["pull"] as const) : (["pull", "run"] as const))
            await withGate(registry, bytes, async (gate) => {
              const what = `${signal} to ${verb} after ${bytes} bytes`;
              const image = `${gate.address}/a:1`;
              const pulling = host.start(verb === "pull" ? ["image", "pull", image] : ["run", writePod(host, image)]);
              const isInTheMiddle = () => gate.isSilent && toolsOf(host).some((line) => /^\d+ skopeo/.test(line));
              await waitUntil("it is in the middle", isInTheMiddle, 20_000);
              pulling.child.kill(signal);
              const { code, signal: by, err } = await pulling.ended;
              const end = signal === "SIGKILL" ? [null, signal] : [STATUS[signal], null];
              t.strictSame([code, by], end, `${what}: ${err}`);
              t.notMatch(err, /cannot be pulled/, `${what}: it was nobody's fault`);
              if (signal !== "SIGKILL") t.strictSame(filesOf(host), [], `${what}: nothing is left`);
              await isWhole(t, host, what);
            });
      await host.must("image", "pull", `${registry.address}/a:1`);
      t.equal(readdirSync(join(storeOf(host), "tmp")).length, 0, "the next pull sweeps up");
      const claims = filesOf(host).filter((name) => name.startsWith("claims/"));
      t.strictSame(claims, [], "and the claims");
      t.equal(readdirSync(join(storeOf(host), "blobs/sha256")).length, 3, "a manifest, a configuration and a layer");
    }),
  { skip: skipRegistry },
);

testWithPeapod(
  "a pull that a signal ends while it unpacks leaves nothing",
  async (t, host) => {
    const layout = join(host.dir, "layout");
    const members = Array.from({ length: 20_000 }, (_, index) => ({ name: `files/${index}`, text: "x" }));
    makeImage(layout, { tag: "a", archives: [writeArchive(join(host.dir, "many.tar"), members)] });
    for (const signal of ["SIGINT", "SIGTERM", "SIGKILL"] as const) {
      const pulling = host.start(["image", "pull", "oci:layout:a"]);
      const tmp = join(storeOf(host), "tmp");
      const isUnpacking = () =>
        existsSync(tmp) && readdirSync(tmp).some((side) => existsSync(join(tmp, side, "unpacked/rootfs/files/1")));
      await waitUntil("it unpacks", isUnpacking, 60_000);
      pulling.child.kill(signal);
      const { code, err } = await pulling.ended;
      t.equal(code, signal === "SIGKILL" ? null : STATUS[signal], `${signal}: ${err}`);
      if (signal !== "SIGKILL") t.strictSame(filesOf(host), [], `${signal}: nothing is left`);
      await isWhole(t, host, signal);
    }
    await host.must("image", "pull", "oci:layout:a");
    t.equal(readdirSync(join(storeOf(host), "tmp")).length, 0, "the next pull sweeps up");
  },
  { skip },
);

testWithPeapod(
  "Ctrl-C at a terminal ends a pull, and wipes its line",
  async (t, host) =>
    await withRegistry(host, async (registry) => {
      await withGate(registry, 50_000, async (gate) => {
        const terminal = new ATerminal(host, ["image", "pull", `${gate.address}/a:1`]);
        await terminal.sees(/pulling /);
        await waitUntil("it is in the middle", () => gate.isSilent, 20_000);
        terminal.type("\x03");
        t.match(await terminal.ended, { status: 130, restored: true });
        const [last] = terminal.screen.split("\r\x1b[J").slice(-1);
        t.equal(last, "peapod: image: was interrupted\r\n", "the line is wiped away before");
        t.strictSame(filesOf(host), [], "nothing is left");
        await isWhole(t, host, "Ctrl-C");
      });
    }),
  { skip: skipRegistry || NO_TERMINAL },
);
