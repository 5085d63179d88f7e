// When the reaper died: exits that happen until a new one watches may be lost, and the pod says so. The note is a file,
// since whoever finds out (the orphaned supervisor, a caller) is not the one who writes the journal next.

import { rmSync } from "node:fs";
import { join } from "node:path";
import { readTextIfAny, writeFileAtomic } from "../base/files.ts";
import type { PodName } from "../base/names.ts";
import { adoptPod } from "../exits/reaper.ts";
import { readProcess } from "../host/processes.ts";
import { readIoPid } from "../io/io-process.ts";
import type { PodState } from "../state/pod-state.ts";
import type { KeptPod } from "./context.ts";
import type { Programs } from "./programs.ts";
import { readPlan, readPodState } from "./reader.ts";

/** The supervisor outlived its reaper: it sees to a new one (which brings a new supervisor) and may then end. */
export async function becomeDegraded(pod: KeptPod, programs: Programs): Promise<void> {
  try {
    await replaceReaper(pod.plan.paths.dir, pod.journal.state, programs, pod.io.runningPids);
  } catch (error) {
    pod.report(error, "no new reaper could be started");
  }
}

/** For a caller that found a pod with nobody above it. */
export async function reviveReaper(root: string, pod: PodName, programs: Programs): Promise<void> {
  const plan = readPlan(root, pod);
  const ios = plan.containers.flatMap((container) => readIoPid(container.paths.ioLock) ?? []);
  await replaceReaper(plan.paths.dir, readPodState(root, pod), programs, ios);
}

/** Starts a reaper that watches what is left of the pod. Two who try at once: the lock on `exits` lets one win. */
export async function replaceReaper(
  dir: string,
  state: PodState | undefined,
  programs: Programs,
  ioPids: readonly number[],
): Promise<void> {
  const alive = (state?.containers ?? []).filter((one) => one.status === "created" || one.status === "running");
  const watched = alive.flatMap(({ pid, startTime }) => (pid === undefined ? [] : [{ pid, startTime: startTime ?? 0 }]));
  for (const pid of ioPids) {
    const process = readProcess(pid);
    if (process) watched.push({ pid, startTime: process.startTime });
  }
  writeFileAtomic(noteFile(dir), "its reaper died and was replaced; exits in between may be lost\n");
  await adoptPod({ reaper: programs.reaper, dir, node: programs.node, script: programs.script, watched });
}

/** The reason, once, for the supervisor that writes it to the journal. */
export function takeDegradedNote(dir: string): string | undefined {
  const note = readTextIfAny(noteFile(dir))?.trim();
  if (note !== undefined) rmSync(noteFile(dir), { force: true });
  return note;
}

function noteFile(dir: string): string {
  return join(dir, "degraded");
}
