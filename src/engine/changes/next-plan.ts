// The plan that a pod is to become, beside the one that holds: in the pod's `next` directory, and its Secrets in the vault.

import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { asPeapodError } from "../../base/errors.ts";
import { dropPrepared } from "../../base/file-tree.ts";
import { makeDir, readOwnJson, writeJsonAtomic } from "../../base/files.ts";
import type { ContainerName } from "../../base/names.ts";
import type { PodPaths } from "../../base/paths.ts";
import type { Plan } from "../../plan/plan.ts";
import { NO_SECRETS } from "../../plan/secrets.ts";
import { readMemoryAt } from "../../state/read-memory.ts";
import { makePlannedMemory } from "../looking/reader.ts";
import type { PodPlan } from "../planning/make-pod-plan.ts";
import { preparePodVolumes } from "../volumes/pod-volumes.ts";
import { dropNextOfVault, prepareVault, turnVault } from "../volumes/vault.ts";
import { makeBeyond, removeBeyond } from "./difference.ts";

export interface Change {
  readonly request: string;
  readonly fresh: readonly ContainerName[];
}

export interface NextPlan {
  readonly plan: Plan;
  readonly change: Change;
}

/**
 * With all that it needs and may not get.
 * @throws OUT_OF_RESOURCES, NOT_PERMITTED, NOT_FOUND, HOST_LACKS; then nothing of it stays but an empty vault, and what
 * is not the pod's alone (a named volume, a directory of the host's that was to be made)
 */
export async function writeNext(
  known: Plan,
  { manifest, stored, plan, secrets = NO_SECRETS }: PodPlan,
  change: Change,
): Promise<void> {
  const next = nextPaths(known.paths);
  try {
    await removeNext(known);
    makeDir(next.dir);
    writeJsonAtomic(next.manifest, manifest);
    writeJsonAtomic(next.document, stored);
    writeJsonAtomic(next.plan, plan);
    await prepareVault(plan, secrets);
    preparePodVolumes(plan, secrets);
    await makeBeyond(plan, known);
    // With it the others are whole.
    writeJsonAtomic(next.change, change);
  } catch (error) {
    await removeNext(known);
    throw asPeapodError(error, `pod ${known.pod}: cannot be changed`);
  }
}

/** Undefined where it is not whole. */
export function readNext(paths: PodPaths): NextPlan | undefined {
  const next = nextPaths(paths);
  const plan = readOwnJson<Plan>(next.plan);
  const change = readOwnJson<Change>(next.change);
  return plan === undefined || change === undefined ? undefined : { plan, change };
}

/** For a supervisor that begins: the plan that holds, now that a change may have been cut short. */
export async function takeNextPlan(paths: PodPaths, plan: Plan): Promise<Plan> {
  const next = readOwnJson<Change>(nextPaths(paths).change);
  const { state, change } = readMemoryAt(paths.journal, makePlannedMemory(plan));
  if (next !== undefined && change?.request === next.request) {
    installNext(paths);
    return readOwnJson<Plan>(paths.plan) ?? plan;
  }
  // Nobody was told of it.
  if (next === undefined || state.changing !== next.request) await removeNext(plan);
  return plan;
}

/** The plan last: with it the pod is what the journal says. May be done again. */
export function installNext(paths: PodPaths): void {
  const next = nextPaths(paths);
  turnVault(paths.vault);
  for (const file of ["manifest", "document", "plan"] as const)
    if (existsSync(next[file])) renameSync(next[file], paths[file]);
  rmSync(next.dir, { recursive: true, force: true });
}

/** With what was made for it. */
async function removeNext(known: Plan): Promise<void> {
  const next = nextPaths(known.paths);
  const plan = readOwnJson<Plan>(next.plan);
  if (plan !== undefined) {
    await removeBeyond(plan, known);
    for (const volume of known.sandbox.volumes) if (volume.kind === "files") dropPrepared(volume.path);
  }
  dropNextOfVault(known.paths.vault);
  rmSync(next.dir, { recursive: true, force: true });
}

function nextPaths({ next: dir }: PodPaths) {
  return {
    dir,
    change: join(dir, "change.json"),
    manifest: join(dir, "manifest.json"),
    document: join(dir, "pod.json"),
    plan: join(dir, "plan.json"),
  };
}
