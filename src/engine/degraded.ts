// When the reaper died: exits that happen until a new one watches may be lost, and the pod says so. The note is a file,
// since whoever finds out (the orphaned supervisor, a caller) is not the one who writes the journal next.

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PeapodError } from "../base/errors.ts";
import { readTextIfAny, writeFileAtomic } from "../base/files.ts";
import type { PodName } from "../base/names.ts";
import type { PodPaths } from "../base/paths.ts";
import { ExitInbox } from "../exits/inbox.ts";
import { adoptPod, type WatchedProcess } from "../exits/reaper.ts";
import { listPidsByRoot, listPidsOfPod } from "../host/cgroups/population.ts";
import { isSameProcess, readProcess } from "../host/processes.ts";
import { readUplink } from "../host/uplink.ts";
import { readIoPid } from "../io/io-process.ts";
import type { Plan, PlannedContainer } from "../plan/plan.ts";
import type { ContainerState, PodState } from "../state/pod-state.ts";
import type { KeptPod } from "./context.ts";
import { degradedNote, readPlan, readPodState } from "./looking/reader.ts";
import { waitForOrphanedCalls } from "./orphaned-calls.ts";
import type { Programs } from "./programs.ts";

/** The supervisor outlived its reaper: it sees to a new one (which brings a new supervisor) and must then end. */
export async function becomeDegraded(pod: KeptPod, programs: Programs): Promise<void> {
  try {
    await pod.runtime.close();
    await replaceReaper(pod.plan, pod.journal.state, programs, process.pid);
  } catch (error) {
    pod.report(error, "no new reaper could be started");
  }
}

/** For a caller that found a pod with nobody above it. Somebody else may be quicker; then the pod has its reaper too. */
export async function reviveReaper(root: string, pod: PodName, programs: Programs): Promise<void> {
  const plan = readPlan(root, pod);
  try {
    await replaceReaper(plan, readPodState(root, pod), programs, readSupervisorPid(plan.paths.dir));
  } catch (error) {
    if (!(error instanceof PeapodError && error.code === "ALREADY_EXISTS")) throw error;
  }
}

/**
 * Starts a reaper that watches what is left of the pod. Two who try at once: the lock on `exits` lets one win.
 * `after`: the supervisor that must have ended before another is started.
 */
async function replaceReaper(
  plan: Plan,
  state: PodState,
  programs: Programs,
  after: number | undefined,
): Promise<void> {
  const { dir } = plan.paths;
  // A container whose `runtime create` outlived us is watched too.
  await waitForOrphanedCalls(plan, new ExitInbox(plan.paths.exits));
  const watched = plan.containers.flatMap((container) => {
    const known = state.containers.find((one) => one.name === container.name);
    const main = known === undefined ? [] : readContainerProcess(container, plan.paths, known);
    const ioPid = readIoPid(container.paths.ioLock);
    const startTime = ioPid === undefined ? undefined : readProcess(ioPid)?.startTime;
    return ioPid === undefined || startTime === undefined ? main : [...main, { pid: ioPid, startTime }];
  });
  const uplink = plan.sandbox.uplink && readUplink(plan.sandbox.uplink.dir);
  if (uplink !== undefined) watched.push(uplink);
  writeFileAtomic(degradedNote(dir), "its reaper died and was replaced; exits in between may be lost\n");
  const { reaper, node, script } = programs;
  await adoptPod({ reaper, dir, node, script, watched, ...(after === undefined ? {} : { after }) });
}

function readContainerProcess(
  container: PlannedContainer,
  paths: PodPaths,
  { status, pid, startTime }: ContainerState,
): WatchedProcess[] {
  if (status === "created" || status === "running") {
    return pid === undefined ? [] : [{ pid, startTime: startTime ?? 0 }];
  }
  if (status !== "creating") return [];
  // The journal does not know it yet; the runtime has left its pid, and only one that is inside is the container's.
  const made = Number(readTextIfAny(container.paths.pidFile)?.trim() || 0);
  const found = made > 0 ? readProcess(made) : undefined;
  return found === undefined || !isInside(made, container, paths) ? [] : [{ pid: made, startTime: found.startTime }];
}

function isInside(pid: number, container: PlannedContainer, paths: PodPaths): boolean {
  const isInCgroup = readTextIfAny(`/proc/${pid}/cgroup`)?.includes(container.cgroupPath) ?? false;
  if (isInCgroup || listPidsByRoot(container.paths.rootfs).includes(pid)) return true;
  // The first process of a shared pid namespace has no mount of its own.
  return container.role === "pause" && listPidsOfPod(paths).includes(pid);
}

/** So that a caller who revives the pod waits for an orphaned supervisor that has not noticed yet. */
export function writeSupervisorPid(dir: string): void {
  writeFileSync(supervisorFile(dir), `${process.pid} ${readProcess(process.pid)?.startTime}\n`, { mode: 0o600 });
}

/** Undefined where it is dead (or asleep, which is the same). */
function readSupervisorPid(dir: string): number | undefined {
  const [pid, startTime] = (readTextIfAny(supervisorFile(dir)) ?? "").trim().split(" ").map(Number);
  return pid && startTime && isSameProcess(pid, startTime) ? pid : undefined;
}

function supervisorFile(dir: string): string {
  return join(dir, "supervisor.pid");
}

/** Once the reason stands in the journal. */
export function dropDegradedNote(dir: string): void {
  rmSync(degradedNote(dir), { force: true });
}
