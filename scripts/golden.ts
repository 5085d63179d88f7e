// The config.json of every example, made with facts that are the same everywhere. update-golden.ts writes them, a test
// compares.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeConfig } from "../src/bundle/make-config.ts";
import { stringifyConfig } from "../src/bundle/write-bundles.ts";
import type { HostFacts } from "../src/host/facts.ts";
import type { Image } from "../src/image/image.ts";
import { redactSecrets } from "../src/manifest/config-objects.ts";
import type { Manifest } from "../src/manifest/manifest.ts";
import { parsePod, type ReadPod } from "../src/manifest/read-manifest.ts";
import { KNOWN_CAPABILITIES } from "../src/plan/capabilities.ts";
import { makePlan } from "../src/plan/make-plan.ts";
import type { Plan } from "../src/plan/plan.ts";
import type { HostFiles } from "../src/plan/sandbox-files.ts";

export const EXAMPLES = fileURLToPath(new URL("../bundles/examples", import.meta.url));

/** A machine with cgroup v2, all that a plan can ask for, and no privileged container's devices. */
export const GOLDEN_FACTS: HostFacts = {
  kernel: "6.1.0",
  arch: "x64",
  cgroupLayout: "v2",
  cgroupMounts: { unified: "/sys/fs/cgroup" },
  isRoot: true,
  hasTimeNamespaces: true,
  hasSeccomp: true,
  capabilities: [...KNOWN_CAPABILITIES].sort(),
  hostname: "host",
  memoryBytes: 8 * 2 ** 30,
  oomScoreAdj: 0,
  limitsSwap: true,
};

export const GOLDEN_HOST_FILES: HostFiles = {
  resolvConf: "nameserver 192.0.2.1\n",
  hosts: "127.0.0.1 localhost\n192.0.2.2 host\n",
};

export function exampleNames(): string[] {
  return readdirSync(EXAMPLES)
    .filter((name) => existsSync(join(EXAMPLES, name, "pod.yaml")))
    .sort();
}

export function expectedFile(example: string, container: string): string {
  return join(EXAMPLES, example, "expected", `${container}.config.json`);
}

/** Images that are directories, and say nothing of themselves. */
export function makeDirectoryImages(manifest: Manifest): Map<Manifest["spec"]["containers"][number]["name"], Image> {
  return new Map(
    manifest.spec.containers.map(({ name, image }) => [
      name,
      {
        reference: image,
        rootfs: image.replace(/^rootfs:/, ""),
        config: { entrypoint: [], cmd: [], env: [], workingDir: "" },
      },
    ]),
  );
}

export function makeGoldenPlan(example: string): Plan {
  const text = readFileSync(join(EXAMPLES, example, "pod.yaml"), "utf8");
  return planAsGolden(parsePod(text, { file: "pod.yaml", baseDir: "/example", images: "directories" }));
}

/** As makeGoldenPlan, of a pod that was read already. */
export function planAsGolden({ manifest, objects }: Pick<ReadPod, "manifest" | "objects">): Plan {
  return makePlan({
    manifest,
    images: makeDirectoryImages(manifest),
    facts: GOLDEN_FACTS,
    runtime: { kind: "runc", path: "/usr/sbin/runc", version: "1.2.0" },
    root: "/run/peapod",
    cgroupDriver: "cgroupfs",
    reaperPath: "/usr/libexec/peapod/peapod-reaper",
    hostFiles: GOLDEN_HOST_FILES,
    // As on a disk: what Secrets hold is not there.
    values: { objects: redactSecrets(objects), uid: "6ba7b810-9dad-41d1-80b4-00c04fd430c8", overrides: new Map() },
  });
}

/** File to text, for one example. */
export function makeGolden(example: string): Map<string, string> {
  const plan = makeGoldenPlan(example);
  return new Map(
    plan.containers.map((container) => [
      expectedFile(example, container.name),
      stringifyConfig(makeConfig(plan, container)),
    ]),
  );
}
