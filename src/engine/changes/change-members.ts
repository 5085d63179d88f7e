// Members of a running pod come, go and are replaced, while the others run on. The new plan lies beside the old one until
// those who go have gone; then the journal has it (`pod.changed`), and the supervisor ends: the next one begins with the
// new plan, as it would after any crash, and makes those who come. INVARIANT: at each instant the journal says which of
// the two plans holds, and what is left to be done can be done again. What takes room on the disk is written before the
// journal has anything of it: a disk that is full then refuses the change, and does not keep a pod from its supervisor.

import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { asPeapodError, PeapodError } from "../../base/errors.ts";
import { makeDir, readOwnJson, writeJsonAtomic } from "../../base/files.ts";
import type { ContainerName } from "../../base/names.ts";
import type { PodPaths } from "../../base/paths.ts";
import { unmountBelow } from "../../host/mounts.ts";
import { removeTree } from "../../host/volumes.ts";
import type { StoredDocuments } from "../../manifest/make-generated.ts";
import { planMemberChange } from "../../plan/members.ts";
import type { Plan, PlannedContainer, PlannedVolume, Sandbox, Step } from "../../plan/plan.ts";
import { NO_SECRETS, type SecretParts } from "../../plan/secrets.ts";
import { mapsIn } from "../../plan/stages.ts";
import { makeOutlines } from "../../state/outline.ts";
import type { ContainerState } from "../../state/pod-state.ts";
import { readMemoryAt } from "../../state/read-memory.ts";
import type { KeptPod } from "../context.ts";
import type { WrittenManifest } from "../engine.ts";
import { makePlannedMemory } from "../looking/reader.ts";
import { makePodPlan, type PodPlan } from "../planning/make-pod-plan.ts";
import { findPrograms } from "../programs.ts";
import { endIo } from "../renew.ts";
import { executeStep } from "../steps.ts";
import { preparePodVolumes } from "../volumes/pod-volumes.ts";
import { dropNextOfVault, prepareVault, readVault, turnVault } from "../volumes/vault.ts";

interface Change {
  readonly request: string;
  readonly fresh: readonly ContainerName[];
}

/**
 * Decides, and journals that it has begun. False: there is nothing to change.
 * @throws BAD_MANIFEST, NOT_SUPPORTED and what planning throws; then nothing was done
 */
export async function beginChange(
  pod: KeptPod,
  { request, manifest: written }: { readonly request: string; readonly manifest: WrittenManifest },
): Promise<boolean> {
  const { plan, journal } = pod;
  const cgroupDriver = plan.sandbox.cgroup.driver === "systemd" ? "systemd" : "cgroupfs";
  const options = { root: plan.root, runtime: plan.runtime.path, cgroupDriver } as const;
  const programs = findPrograms(process.argv[1] ?? "");
  const refuse = (why: string) => {
    throw new PeapodError("NOT_SUPPORTED", `pod ${plan.pod}: ${why}`, {
      hint: "clone the pod, or delete it and run it anew",
    });
  };
  // Of an earlier one.
  await prepareChanged(pod);
  const stored = readOwnJson<StoredDocuments>(plan.paths.document);
  const planned = await makePodPlan(options, programs, {
    file: written.file,
    name: plan.pod,
    written,
    // Those that it is attached to it stays attached to.
    ...(plan.sandbox.networks === undefined ? { usualNetwork: plan.sandbox.uplink?.kind ?? "none" } : {}),
    ...(plan.uid === undefined ? {} : { uid: plan.uid }),
    ...(plan.sandbox.idsFile === undefined ? {} : { idsFile: plan.sandbox.idsFile }),
    ...(stored?.env === undefined ? {} : { env: stored.env }),
    ...(stored?.networks === undefined ? {} : { networks: stored.networks }),
    ...(stored?.publish === undefined ? {} : { publish: stored.publish }),
    attached: pickAttached(plan.sandbox),
    ...(stored?.names === undefined ? {} : { names: stored.names }),
  });
  const secrets = planned.secrets ?? NO_SECRETS;
  if (planned.secrets !== undefined && plan.sandbox.vault === undefined && plan.runtime.kind === "crun")
    refuse("cannot be given Secrets while it runs: crun would keep copies of them on the disk");
  const change = planMemberChange({ plan, secrets: readVault(plan) }, { plan: planned.plan, secrets });
  if (change === undefined) return false;
  const { added, removed, replaced } = change;
  const firstMembers = plan.firstMembers ?? makeOutlines(plan.containers);
  await writeNext(
    plan.paths,
    { ...planned, plan: { ...change.plan, firstMembers }, secrets },
    { request, fresh: [...added, ...replaced] },
  );
  const endBy = new Date(Date.now() + plan.stopGraceMs).toISOString();
  journal.append({ type: "pod.changing", request, leaving: [...removed, ...replaced], endBy });
  return true;
}

/** It stays where it is. */
function pickAttached({ networks, podIPs, ports }: Sandbox): Pick<Sandbox, "networks" | "podIPs" | "ports"> {
  return {
    ...(networks === undefined ? {} : { networks }),
    ...(podIPs === undefined ? {} : { podIPs }),
    ...(ports === undefined ? {} : { ports }),
  };
}

/** The conductor ends those who go; `hold` has it begin nothing more. Does not return: this supervisor ends with the old plan. */
export async function finishChange(pod: KeptPod, hold: () => Promise<unknown>): Promise<never> {
  const { plan, journal } = pod;
  const leaving = () => journal.state.containers.filter(({ leaveBy }) => leaveBy !== undefined);
  await journal.until(() => leaving().every(({ status }) => ["exited", "deleted", "planned"].includes(status)));
  await hold();
  const nextPlan = readOwnJson<Plan>(nextPaths(plan.paths).plan);
  const next = readOwnJson<Change>(nextPaths(plan.paths).change);
  if (nextPlan === undefined || next === undefined)
    throw new PeapodError("STATE_DAMAGED", `pod ${plan.pod}: what it is to become is gone`);
  for (const { name } of leaving()) {
    const keeper = pod.containers.get(name);
    await keeper?.delete();
    if (keeper === undefined || keeper.state.status === "planned") continue;
    await endIo(pod, keeper.planned);
  }
  for (const container of plan.containers)
    if (!nextPlan.containers.some(({ name }) => name === container.name)) await removeTraces(container);
  const mapped = new Set(mapsIn(nextPlan.stages).map(({ target }) => target));
  for (const { target } of mapsIn(plan.stages))
    if (!mapped.has(target)) {
      await unmountBelow(target);
      removeTree(target);
    }
  for (const volume of plan.sandbox.volumes)
    if (!nextPlan.sandbox.volumes.some(({ name }) => name === volume.name)) await removeVolume(volume, plan.paths);
  await pod.runtime.close();
  journal.append({ type: "pod.changed", ...next, containers: makeOutlines(nextPlan.containers) });
  install(plan.paths);
  // It goes of its own will, so that the next one takes nothing for a crash; and at once, which the reaper takes for no fault.
  writeFileSync(join(plan.paths.dir, "asleep"), "");
  process.kill(process.pid, "SIGKILL");
  return new Promise<never>(() => undefined);
}

/** For a supervisor that begins: the plan that holds, now that a change may have been cut short. */
export function takeNextPlan(paths: PodPaths, plan: Plan): Plan {
  const next = readOwnJson<Change>(nextPaths(paths).change);
  const { state, change } = readMemoryAt(paths.journal, makePlannedMemory(plan));
  if (next !== undefined && change?.request === next.request) {
    install(paths);
    return readOwnJson<Plan>(paths.plan) ?? plan;
  }
  // Nobody was told of it.
  if (next === undefined || state.changing !== next.request) removeNext(paths);
  return plan;
}

/**
 * After the new plan was taken: what its containers need stands ready then. Does nothing where that was done.
 * @throws what the steps throw; then it is to be done again
 */
export async function prepareChanged(pod: KeptPod): Promise<void> {
  const { paths } = pod.plan;
  if (pod.journal.state.changing !== undefined || !existsSync(nextPaths(paths).dir)) return;
  const isShared = (step: Step) => step.do.startsWith("make-") || SHARED.has(step.do);
  for (const step of pod.plan.stages.flat().filter(isShared)) await executeStep(step, pod);
  removeNext(paths);
}

/** @throws RUNTIME_FAILED where one of those who came did not start, WRONG_STATE where the pod ended before */
export async function untilChanged(pod: KeptPod, request: string): Promise<void> {
  const { plan, journal } = pod;
  await prepareChanged(pod);
  // Of one that others have followed since nothing is left to wait for.
  const fresh = journal.change?.request === request ? journal.change.fresh : [];
  const meant = () => journal.state.containers.filter(({ name }) => fresh.includes(name));
  const hasBegun = ({ status, restartBy }: ContainerState) =>
    restartBy === undefined && (status === "running" || status === "exited");
  await journal.until(() => journal.state.exitedAt !== undefined || meant().every(hasBegun));
  const failed = meant().find(({ reason }) => reason === "StartError");
  if (failed !== undefined)
    throw new PeapodError("RUNTIME_FAILED", `container ${failed.name}: did not start: ${failed.message}`);
  if (!meant().every(hasBegun))
    throw new PeapodError("WRONG_STATE", `pod ${plan.pod}: ended before its new containers were started`);
}

const SHARED: ReadonlySet<Step["do"]> = new Set(["map-ids", "mount", "write-bundles"]);

/** @throws OUT_OF_RESOURCES, NOT_PERMITTED; then nothing of it stays */
async function writeNext(
  paths: PodPaths,
  { manifest, stored, plan, secrets }: Omit<PodPlan, "secrets"> & { readonly secrets: SecretParts },
  change: Change,
): Promise<void> {
  const next = nextPaths(paths);
  try {
    removeNext(paths);
    makeDir(next.dir);
    writeJsonAtomic(next.manifest, manifest);
    writeJsonAtomic(next.document, stored);
    writeJsonAtomic(next.plan, plan);
    await prepareVault(plan, secrets);
    preparePodVolumes(plan, secrets);
    // With it the others are whole.
    writeJsonAtomic(next.change, change);
  } catch (error) {
    removeNext(paths);
    throw asPeapodError(error, `pod ${plan.pod}: cannot be changed`);
  }
}

/** The plan last: with it the pod is what the journal says. May be done again. */
function install(paths: PodPaths): void {
  const next = nextPaths(paths);
  turnVault(paths.vault);
  for (const file of ["manifest", "document", "plan"] as const)
    if (existsSync(next[file])) renameSync(next[file], paths[file]);
}

async function removeTraces({ paths }: PlannedContainer): Promise<void> {
  await unmountBelow(paths.bundle);
  for (const dir of [paths.bundle, dirname(paths.ioLock), paths.logDir]) removeTree(dir);
}

/** What is ours of a volume that nobody has any more. */
async function removeVolume({ path }: PlannedVolume, paths: PodPaths): Promise<void> {
  if (![paths.volumes, paths.vault].some((dir) => path.startsWith(`${dir}/`))) return;
  await unmountBelow(path);
  removeTree(path);
}

function nextPaths(paths: PodPaths) {
  const dir = join(paths.dir, "next");
  return {
    dir,
    change: join(dir, "change.json"),
    manifest: join(dir, "manifest.json"),
    document: join(dir, "pod.json"),
    plan: join(dir, "plan.json"),
  };
}

function removeNext(paths: PodPaths): void {
  dropNextOfVault(paths.vault);
  rmSync(nextPaths(paths).dir, { recursive: true, force: true });
}
