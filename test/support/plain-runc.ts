// Pods brought up by nothing but the scripts of a standalone bundle and runc, in a directory of their own that is gone
// afterwards with everything in it.

import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type t from "tap";
import { makeDirectoryImages } from "../../scripts/golden.ts";
import { writeStandaloneBundles } from "../../src/bundle/write-standalone-bundles.ts";
import { readHostFacts } from "../../src/host/read-facts.ts";
import { parseManifest } from "../../src/manifest/read-manifest.ts";
import { makePlan } from "../../src/plan/make-plan.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { buildNative } from "./native.ts";
import { readTraces } from "./traces.ts";
import { waitUntil } from "./wait-until.ts";

export type Test = Parameters<Parameters<typeof t.test>[0]>[0];

const RUNC = "/usr/sbin/runc";

/** Why these tests cannot run here; false where they can. */
export const CANNOT_RUN: string | false =
  process.getuid?.() !== 0 ? "needs root" : existsSync(RUNC) ? false : `needs runc (${RUNC})`;

export interface PlainPod {
  readonly plan: Plan;
  pidOf(container: string): number;
  statusOf(container: string): string;
  logOf(container: string): string;
  /** Until every container of the manifest has ended. */
  ended(): Promise<void>;
  exec(container: string, ...argv: string[]): { status: number | null; output: string };
}

let home: { dir: string; rootfs: string; reaper: string } | undefined;

/** What all pods of one test process share. In user namespaces others must pass through it, so it is not private. */
function makeHome(): { dir: string; rootfs: string; reaper: string } {
  if (home !== undefined) return home;
  const dir = mkdtempSync(join(tmpdir(), "pt-plain-"));
  process.once("exit", () => rmSync(dir, { recursive: true, force: true }));
  chmodSync(dir, 0o711);
  const rootfs = join(dir, "rootfs");
  execFileSync(fileURLToPath(new URL("../../bundles/examples/make-rootfs", import.meta.url)), [rootfs]);
  // Beside the reaper, where a plan expects it.
  buildNative(dir, "peapod-idmap");
  home = { dir, rootfs, reaper: buildNative(dir, "peapod-reaper") };
  return home;
}

/** Brings a pod up, uses it, takes it down and looks for anything that is left; also after a failure in between. */
export async function withPlainPod(t: Test, text: string, use: (pod: PlainPod) => Promise<void> | void): Promise<void> {
  const { dir, rootfs, reaper } = makeHome();
  const manifest = parseManifest(text, { file: "pod.yaml", baseDir: dir });
  const images = makeDirectoryImages(manifest);
  for (const [name, image] of images) images.set(name, { ...image, rootfs });
  const out = join(mkdtempSync(join(dir, "pod-")), "out");
  chmodSync(join(out, ".."), 0o711);
  const made = makePlan({
    manifest,
    images,
    facts: readHostFacts(),
    runtime: { kind: "runc", path: RUNC, version: versionOf(RUNC) },
    root: "/run/peapod",
    cgroupDriver: "cgroupfs",
    reaperPath: reaper,
  });
  const plan = writeStandaloneBundles(made, out);
  const runc = (...args: string[]) => spawnSync(RUNC, ["--root", join(out, "runtime"), ...args], { encoding: "utf8" });
  const state = (name: string) => JSON.parse(runc("state", name).stdout) as { pid: number; status: string };
  const script = (name: string) => spawnSync("sh", [join(out, name)], { encoding: "utf8" });
  const pod: PlainPod = {
    plan,
    pidOf: (name) => state(name).pid,
    statusOf: (name) => state(name).status,
    logOf: (name) => readFileSync(join(out, "logs", `${name}.log`), "utf8"),
    ended: () =>
      waitUntil("all containers have ended", () =>
        plan.containers.every(({ name, role }) => role === "pause" || state(name).status === "stopped"),
      ),
    exec: (name, ...argv) => {
      const { status, stdout, stderr } = runc("exec", name, ...argv);
      return { status, output: `${stdout}${stderr}` };
    },
  };
  try {
    const { status, stderr } = script("up.sh");
    if (status !== 0) throw new Error(`up.sh ended with ${status}: ${stderr}${logs(pod)}`);
    await use(pod);
  } finally {
    const { status, stderr } = script("down.sh");
    t.equal(status, 0, "down.sh succeeds", { stderr });
    t.strictSame(readTraces(out), [], "nothing is left");
    const made = ["ns", "shm", "volumes", "runtime"].filter((name) => existsSync(join(out, name)));
    t.strictSame(made, [], "down.sh removes what up.sh made");
    rmSync(join(out, ".."), { recursive: true, force: true });
  }
}

function logs(pod: PlainPod): string {
  return pod.plan.containers
    .map(({ name, paths }) => join(paths.logDir, `${name}.log`))
    .filter((file) => existsSync(file))
    .map((file) => `\n${file}: ${readFileSync(file, "utf8")}`)
    .join("");
}

function versionOf(runc: string): string {
  return /version (\S+)/.exec(execFileSync(runc, ["--version"], { encoding: "utf8" }))?.[1] ?? "0";
}
