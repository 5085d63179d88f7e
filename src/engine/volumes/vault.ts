// What a pod's Secrets hold, on a tmpfs of the pod's own: values, the files of volumes, and the config.json of each
// container that has one in its command or environment. It is filled before plan.json is written, so that a supervisor
// that was killed finds all of it again; it goes with the pod's mounts.

import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { errnoOf, PeapodError } from "../../base/errors.ts";
import { makeDir, readOwnJson, writeJsonAtomic } from "../../base/files.ts";
import { writeBundles } from "../../bundle/write-bundles.ts";
import { mountAll } from "../../host/mounts.ts";
import { withAddresses } from "../../plan/addresses.ts";
import type { HostMount, Plan } from "../../plan/plan.ts";
import { restoreProcess, type SecretParts } from "../../plan/secrets.ts";
import type { PodState } from "../../state/pod-state.ts";

/** Of values, files and configurations together: as much as a manifest can say, three times. */
const SIZE_BYTES = 16 * 1024 * 1024;

/** Does nothing for a pod without Secrets. @throws HOST_LACKS, NOT_PERMITTED, OUT_OF_RESOURCES */
export async function fillVault({ sandbox, runtime, paths }: Plan, parts: SecretParts): Promise<void> {
  if (sandbox.vault === undefined) return;
  // The root of a user namespace must reach his volumes through it; nobody but root can list or read it.
  const mode = sandbox.passable.length > 0 ? "0711" : "0700";
  await mountVault(sandbox.vault, ["nosuid", "nodev", `mode=${mode}`, `size=${SIZE_BYTES}`]);
  writeJsonAtomic(valuesFile(sandbox.vault), parts);
  if (runtime.kind !== "crun") return;
  // It copies config.json to where it keeps its state, which runc does not.
  const state = join(sandbox.vault, "runtime");
  makeDir(state);
  linkIfMissing(state, paths.runtimeRoot);
}

/** Where the kernel can keep a tmpfs out of swap (6.4), it does. */
async function mountVault(target: string, options: readonly string[]): Promise<void> {
  const mount: HostMount = { target, type: "tmpfs", source: "vault", options, directories: [] };
  try {
    await mountAll([{ ...mount, options: [...options, "noswap"] }]);
  } catch {
    await mountAll([mount]);
  }
}

/** @throws STATE_DAMAGED where the tmpfs is gone */
export function readVault({ pod, sandbox }: Plan): SecretParts {
  const parts = sandbox.vault === undefined ? undefined : readOwnJson<SecretParts>(valuesFile(sandbox.vault));
  if (parts !== undefined) return parts;
  throw new PeapodError("STATE_DAMAGED", `pod ${pod}: what its Secrets hold is gone from ${sandbox.vault}`, {
    hint: "delete the pod and make it again",
  });
}

/** As write-bundles does, but what tells a secret is written to the vault, and the bundle has a link to it. */
export function writeSecretBundles(plan: Plan, state: Pick<PodState, "podIPs">): void {
  const parts = readVault(plan);
  const configs = join(plan.sandbox.vault ?? "", "config");
  makeDir(configs);
  const moved = new Map<string, string>();
  for (const { name, paths } of plan.containers) {
    if (!(name in parts.processes)) continue;
    const place = join(configs, `${name}.json`);
    moved.set(paths.config, place);
    mkdirSync(paths.bundle, { recursive: true, mode: 0o700 });
    linkIfMissing(place, paths.config);
  }
  const whole = { ...plan, containers: plan.containers.map((one) => restoreProcess(one, parts)) };
  writeBundles(withAddresses(whole, state), (path) => moved.get(path) ?? path);
}

function linkIfMissing(target: string, path: string): void {
  try {
    symlinkSync(target, path);
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
  }
}

function valuesFile(vault: string): string {
  return join(vault, "values.json");
}
