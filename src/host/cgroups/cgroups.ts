// The pod's place in the cgroup hierarchies: one directory in each of v1's, one in v2's. The containers' leaves below
// are the runtime's; the pod's directory and the base above it are ours. No program is run, but for the systemd driver.

import { existsSync, writeFile, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { errnoOf, PeapodError } from "../../base/errors.ts";
import type { PodCgroup } from "../../plan/plan.ts";
import type { HostFacts } from "../facts.ts";
import { readCgroupLines } from "../processes.ts";
import { freezeCgroup, isCgroupFrozen, thawCgroup, unfreezeCgroup } from "./cgroup-freezer.ts";
import { startSlice, stopSlice } from "./cgroup-systemd.ts";
import {
  type HierarchyKind,
  listLevelsBelow,
  listPidsBelow,
  makeCgroup,
  removeCgroup,
  removeCgroupIfEmpty,
} from "./cgroup-tree.ts";

/** What of the facts matters here; tests name directories of their own. */
export type CgroupFacts = Pick<HostFacts, "cgroupLayout" | "cgroupMounts">;

const FREEZE_MS = 5_000;
const REMOVE_MS = 5_000;
const KILL_MS = 10_000;
const LONGEST_PAUSE_MS = 20;

/** @throws HOST_LACKS, NOT_PERMITTED, OUT_OF_RESOURCES */
export async function makePodCgroup(cgroup: PodCgroup, facts: CgroupFacts): Promise<void> {
  if (cgroup.isCallers || cgroup.driver === "none") return;
  if (cgroup.driver === "systemd") return startSlice(cgroup);
  const hierarchies = makeHierarchies(facts);
  if (hierarchies.length === 0) {
    throw new PeapodError("HOST_LACKS", `cgroup ${cgroup.path}: no cgroup file system is mounted`);
  }
  for (const { mount, kind } of hierarchies) makeCgroup(mount, cgroup.path, kind);
}

/**
 * Moves this process to the cgroup where it is. The kernel lets the first move after a while wait for a grace period of
 * RCU (8 to 15 ms) and those that follow soon pass, so a pod that is about to be made starts that wait beside its other
 * preparations. Best effort: never rejects, and changes nothing.
 */
export function announceMoves(facts: CgroupFacts): void {
  for (const { mount, kind } of makeHierarchies(facts)) {
    const here = readOwnCgroup(mount, kind);
    if (here === undefined) continue;
    writeFile(`${mount}${here}/cgroup.procs`, String(process.pid), () => undefined);
    return;
  }
}

function readOwnCgroup(mount: string, kind: HierarchyKind): string | undefined {
  const name = kind === "v2" ? "" : mount.slice(mount.lastIndexOf("/") + 1);
  return readCgroupLines("self")?.find(({ controllers }) => controllers === name)?.path;
}

/**
 * Removes the pod's cgroup with all below it, and the base when this was its last pod.
 * @throws WRONG_STATE while processes are in it; `detail.pids` names them
 */
export async function removePodCgroup(
  cgroup: PodCgroup,
  facts: CgroupFacts,
  timeoutMs: number = REMOVE_MS,
): Promise<void> {
  if (cgroup.isCallers || cgroup.driver === "none") return;
  // Without a cgroup systemd has no such unit that runs.
  if (cgroup.driver === "systemd") return isThere(cgroup.path, facts) ? stopSlice(cgroup.path) : undefined;
  const deadline = Date.now() + timeoutMs;
  for (const { mount } of makeHierarchies(facts)) {
    if (!(await removeCgroup(mount + cgroup.path, deadline))) {
      const pids = listPidsBelow(mount + cgroup.path);
      const why = pids.length === 0 ? "it is busy" : `processes ${pids.join(", ")} are in it`;
      throw new PeapodError("WRONG_STATE", `cgroup ${cgroup.path}: cannot be removed, ${why}`, {
        detail: { pids, mount },
      });
    }
    removeCgroupIfEmpty(mount + cgroup.base);
  }
}

/** All processes in the cgroup and below, ascending; none where there is no such cgroup. */
export function listCgroupPids(path: string, facts: CgroupFacts): readonly number[] {
  const mount = leadingMount(facts);
  return mount === undefined ? [] : listPidsBelow(mount + path);
}

/** The cgroup and all below it that exist in any hierarchy, as paths inside the hierarchies. */
export function listCgroupDirs(path: string, facts: CgroupFacts): readonly string[] {
  const found = makeHierarchies(facts).flatMap(({ mount }) =>
    listLevelsBelow(mount + path).map((dir) => dir.slice(mount.length)),
  );
  return [...new Set(found)].sort();
}

function isThere(path: string, facts: CgroupFacts): boolean {
  return makeHierarchies(facts).some(({ mount }) => existsSync(mount + path));
}

/** Stops all processes of the pod at one instant. @throws TIMED_OUT (then they run on), NOT_FOUND, HOST_LACKS */
export async function freezePod(cgroup: PodCgroup, facts: CgroupFacts): Promise<void> {
  const mount = leadingMount(facts);
  if (mount === undefined) throw new PeapodError("HOST_LACKS", "pause: no freezer cgroup is mounted here");
  await freezeCgroup(mount + cgroup.path, FREEZE_MS);
}

/** A pod that is not frozen, or not there, is left as it is. @throws TIMED_OUT */
export async function thawPod(cgroup: PodCgroup, facts: CgroupFacts): Promise<void> {
  const mount = leadingMount(facts);
  if (mount !== undefined) await thawCgroup(mount + cgroup.path, FREEZE_MS);
}

/** One container's alone, whatever becomes of the cgroup above it. @throws TIMED_OUT (then it runs on), NOT_FOUND */
export async function freezeAt(path: string, facts: CgroupFacts): Promise<void> {
  const mount = leadingMount(facts);
  if (mount === undefined) throw new PeapodError("HOST_LACKS", "no freezer cgroup is mounted here");
  await freezeCgroup(mount + path, FREEZE_MS);
}

/** The pod's and those of its containers, all at one instant where the pod's own is frozen. @throws TIMED_OUT */
export async function thawTogether(cgroup: PodCgroup, paths: readonly string[], facts: CgroupFacts): Promise<void> {
  const mount = leadingMount(facts);
  if (mount === undefined) return;
  for (const path of paths) unfreezeCgroup(mount + path);
  await thawCgroup(mount + cgroup.path, FREEZE_MS);
  await Promise.all(paths.map((path) => thawCgroup(mount + path, FREEZE_MS)));
}

export function isFrozen(cgroup: PodCgroup, facts: CgroupFacts): boolean {
  const mount = leadingMount(facts);
  return mount !== undefined && isCgroupFrozen(mount + cgroup.path);
}

/**
 * SIGKILL to all processes in it, until there are none.
 * @throws TIMED_OUT where one does not go (in uninterruptible sleep, or frozen from above); `detail.pids` names them
 */
export async function killCgroup(path: string, facts: CgroupFacts): Promise<void> {
  const deadline = Date.now() + KILL_MS;
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    const pids = listCgroupPids(path, facts);
    if (pids.length === 0) return;
    if (Date.now() > deadline) {
      throw new PeapodError("TIMED_OUT", `cgroup ${path}: processes ${pids.join(", ")} do not end`, {
        detail: { pids },
      });
    }
    // The kernel's own way misses nobody who forks meanwhile.
    if (!killByKernel(path, facts)) for (const pid of pids) killOne(pid);
    const mount = leadingMount(facts);
    if (mount !== undefined) await thawCgroup(mount + path, FREEZE_MS);
    await sleep(pauseMs);
  }
}

function killByKernel(path: string, facts: CgroupFacts): boolean {
  const { unified } = facts.cgroupMounts;
  if (unified === undefined) return false;
  // In the hybrid layout a runtime may have joined v1's hierarchies only.
  if (!existsSync(`${unified}${path}/cgroup.kill`) || listPidsBelow(unified + path).length === 0) return false;
  writeFileSync(`${unified}${path}/cgroup.kill`, "1");
  return true;
}

/** A pid that was read from our own cgroup right before: that is its verification. */
function killOne(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (errnoOf(error) !== "ESRCH") throw error;
  }
}

/** The hierarchies, each once: v1's controllers may be mounted together (`cpu,cpuacct`). */
function makeHierarchies(facts: CgroupFacts): { readonly mount: string; readonly kind: HierarchyKind }[] {
  const kinds = new Map<string, HierarchyKind>();
  for (const [name, mount] of Object.entries(facts.cgroupMounts)) {
    if (name === "cpuset" && facts.cgroupLayout !== "v2") kinds.set(mount, "cpuset");
    // In the hybrid layout v1 has the controllers; v2's tree is there to find and kill processes.
    else if (!kinds.has(mount)) kinds.set(mount, facts.cgroupLayout === "v2" ? "v2" : "plain");
  }
  return [...kinds].map(([mount, kind]) => ({ mount, kind }));
}

/** A hierarchy that every runtime joins, and that can freeze. */
function leadingMount({ cgroupMounts }: CgroupFacts): string | undefined {
  return cgroupMounts.freezer ?? cgroupMounts.unified ?? Object.values(cgroupMounts)[0];
}
