// What a pod's Secrets hold, on a tmpfs of the pod's own: values, the files of volumes, and the config.json of each
// container that has one in its command or environment. It is filled before plan.json is written, so that a supervisor
// that was killed finds all of it again; it goes with the pod's mounts.

import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { PeapodError } from "../../base/errors.ts";
import { makeDir, readLinkIfAny, readNames, readOwnJson, writeJsonAtomic } from "../../base/files.ts";
import { writeBundles } from "../../bundle/write-bundles.ts";
import { mountAll } from "../../host/mounts.ts";
import { withAddresses } from "../../plan/addresses.ts";
import type { HostMount, Plan } from "../../plan/plan.ts";
import { NO_SECRETS, restoreProcess, type SecretParts } from "../../plan/secrets.ts";
import type { PodState } from "../../state/pod-state.ts";

/** Of values, files and configurations together: as much as a manifest can say, three times, and while it changes twice that. */
const SIZE_BYTES = 32 * 1024 * 1024;

/** Does nothing for a pod without Secrets. @throws HOST_LACKS, NOT_PERMITTED, OUT_OF_RESOURCES */
export function fillVault(plan: Plan, parts: SecretParts): Promise<void> {
  return writeVault(plan, parts, valuesFile);
}

/**
 * For a change of a pod that runs: what is to hold lies beside what holds, until `turnVault`.
 * @throws HOST_LACKS, NOT_PERMITTED, OUT_OF_RESOURCES
 */
export function prepareVault(plan: Plan, parts: SecretParts): Promise<void> {
  return writeVault(plan, parts, nextFile);
}

/** Does nothing where it was done. */
export function turnVault(vault: string): void {
  if (existsSync(nextFile(vault))) renameSync(nextFile(vault), valuesFile(vault));
}

export function dropNextOfVault(vault: string): void {
  rmSync(nextFile(vault), { force: true });
}

async function writeVault(plan: Plan, parts: SecretParts, fileIn: (vault: string) => string): Promise<void> {
  const { vault } = plan.sandbox;
  if (vault === undefined) return;
  await makeVault(plan, vault);
  writeJsonAtomic(fileIn(vault), parts);
}

/** What is so already stays as it is. */
async function makeVault({ sandbox, runtime, paths }: Plan, vault: string): Promise<void> {
  // The root of a user namespace must reach his volumes through it; nobody but root can list or read it.
  const mode = sandbox.passable.length > 0 ? "0711" : "0700";
  await mountVault(vault, ["nosuid", "nodev", `mode=${mode}`, `size=${SIZE_BYTES}`]);
  if (runtime.kind !== "crun") return;
  // It copies config.json to where it keeps its state, which runc does not.
  const state = join(vault, "runtime");
  makeDir(state);
  makeLink(state, paths.runtimeRoot);
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

/** Nothing for a pod without Secrets. @throws STATE_DAMAGED where the tmpfs is gone */
export function readVault({ pod, sandbox }: Plan): SecretParts {
  if (sandbox.vault === undefined) return NO_SECRETS;
  const parts = readOwnJson<SecretParts>(valuesFile(sandbox.vault));
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
    makeLink(place, paths.config);
  }
  // Of containers that are gone, or have none any more.
  for (const name of readNames(configs))
    if (!(name.replace(/\.json$/, "") in parts.processes)) rmSync(join(configs, name), { force: true });
  const whole = { ...plan, containers: plan.containers.map((one) => restoreProcess(one, parts)) };
  writeBundles(withAddresses(whole, state), (path) => moved.get(path) ?? path);
}

/** In place of a file that told no secret. */
function makeLink(target: string, path: string): void {
  if (readLinkIfAny(path) === target) return;
  rmSync(path, { force: true });
  symlinkSync(target, path);
}

function valuesFile(vault: string): string {
  return join(vault, "values.json");
}

function nextFile(vault: string): string {
  return join(vault, "next.json");
}
