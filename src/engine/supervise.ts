// The later starts: the reaper calls us for a pod that is there already, because its supervisor died, was asleep, or
// because the pod has a new reaper.

import { existsSync, fstatSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { asPeapodError } from "../base/errors.ts";
import { readOwnJson } from "../base/files.ts";
import type { PodName } from "../base/names.ts";
import { makePodPaths } from "../base/paths.ts";
import type { Plan } from "../plan/plan.ts";
import { takeDegradedNote } from "./degraded.ts";
import { waitForOrphanedCalls } from "./orphaned-calls.ts";
import { findPrograms } from "./programs.ts";
import { FD, type Launcher, openLauncher } from "./reaper-link.ts";
import { attachBell, makeSupervisor, serve, takeAsleepMarker } from "./run-supervisor.ts";
import { removePodFiles } from "./teardown.ts";

/** Runs until the pod is over or there is nothing to do. `dir`: `<root>/pods/<pod>`; `script`: the bundle that runs. */
export async function supervise(dir: string, script: string): Promise<void> {
  const pod = dir.slice(dir.lastIndexOf("/") + 1) as PodName;
  const paths = makePodPaths(dirname(dirname(dir)), pod);
  if (!existsSync(paths.plan)) {
    // A deletion was cut short between its last steps: only files are left.
    removePodFiles(paths);
    process.exit(0);
  }
  const plan = readOwnJson<Plan>(paths.plan) as Plan;
  const programs = findPrograms(script);
  const wasAsleep = takeAsleepMarker(dir);
  const launcher = isSocket(FD.launcher) ? openLauncher() : undefined;
  const supervisor = makeSupervisor(plan, programs);
  const running = { supervisor, programs };
  const degraded = takeDegradedNote(dir);
  if (degraded !== undefined) supervisor.pod.journal.append({ type: "pod.degraded", reason: degraded });
  attachBell(running);
  await serve(running);
  await waitForOrphanedCalls(supervisor.pod);
  try {
    await supervisor.recover(wasAsleep);
    launcher?.answer(0);
  } catch (error) {
    tellLauncher(launcher, error);
    throw error;
  }
}

/** The caller still waits for the answer that the first supervisor owed him. */
function tellLauncher(launcher: Launcher | undefined, error: unknown): void {
  if (launcher === undefined) return;
  try {
    writeSync(FD.userErr, `peapod: ${asPeapodError(error).message}\n`);
  } catch {
    // He does not listen any more.
  }
  launcher.answer(125);
}

function isSocket(fd: number): boolean {
  try {
    return fstatSync(fd).isSocket();
  } catch {
    return false;
  }
}
