// The later starts: the reaper calls us for a pod that is there already, because its supervisor died, was asleep, or
// because the pod has a new reaper.

import { existsSync, fstatSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { asPeapodError, PeapodError } from "../base/errors.ts";
import { readOwnJson } from "../base/files.ts";
import type { PodName } from "../base/names.ts";
import { makePodPaths } from "../base/paths.ts";
import { makeUuid } from "../base/unique.ts";
import type { Plan } from "../plan/plan.ts";
import { crashInto } from "./crash.ts";
import { dropDegradedNote } from "./degraded.ts";
import { readDegradedNote } from "./looking/reader.ts";
import { waitForOrphanedCalls } from "./orphaned-calls.ts";
import { findPrograms } from "./programs.ts";
import { FD, type Launcher, openLauncher } from "./reaper-link.ts";
import { attachBell, makeSupervisor, serve, startCaller, takeAsleepMarker } from "./run-supervisor.ts";
import { isAskedByMessage } from "./start/launcher-note.ts";
import type { UpReply } from "./start/up-outside.ts";
import { removePodFiles } from "./teardown.ts";

/** Runs until the pod is over or there is nothing to do. `dir`: `<root>/pods/<pod>`; `script`: the bundle that runs. */
export async function supervise(dir: string, script: string): Promise<void> {
  const pod = dir.slice(dir.lastIndexOf("/") + 1) as PodName;
  const paths = makePodPaths(dirname(dirname(dir)), pod);
  const launcher = isSocket(FD.launcher) ? openLauncher() : undefined;
  if (!existsSync(paths.plan)) {
    // A deletion was cut short between its last steps, or a creation after its first: only files are left.
    const byMessage = isAskedByMessage(dir);
    // What the pod's Secrets hold comes before its plan.
    if (existsSync(paths.vault)) await (await import("../host/mounts.ts")).unmountBelow(paths.vault);
    // Ports come before it, too.
    await (await import("./doctor/ruins.ts")).giveBackClaims(paths);
    removePodFiles(paths);
    tellLauncher(
      launcher,
      byMessage,
      new PeapodError("CANCELED", `pod ${pod}: its supervisor died before it was made`),
    );
    process.exit(0);
  }
  crashInto(paths.supervisorLog);
  const known = readOwnJson<Plan>(paths.plan) as Plan;
  const isChanging = existsSync(paths.next);
  const plan = isChanging ? await (await import("./changes/next-plan.ts")).takeNextPlan(paths, known) : known;
  const programs = findPrograms(script);
  const wasAsleep = takeAsleepMarker(dir);
  const byMessage = isAskedByMessage(dir);
  const supervisor = makeSupervisor(plan, programs);
  const running = { supervisor, programs };
  startCaller(programs);
  const degraded = readDegradedNote(dir);
  const isNoted = supervisor.state.cursor > 0 && supervisor.state.deletedAt === undefined;
  if (degraded !== undefined && isNoted) supervisor.pod.journal.append({ type: "pod.degraded", reason: degraded });
  dropDegradedNote(dir);
  attachBell(running);
  // Before anybody can ask: what is asked for has its turn when it is known what there is.
  const orphansGone = waitForOrphanedCalls(plan, supervisor.pod.inbox);
  const recovered = supervisor.recover({ wasAsleep, canceled: launcher?.gone, orphansGone });
  recovered.catch(() => undefined);
  await serve(running);
  try {
    await recovered;
    if (launcher !== undefined && !tell(byMessage ? { pod } : `${pod}\n`) && byMessage) {
      await supervisor.delete({ request: makeUuid(), force: true });
    }
    launcher?.answer(0);
  } catch (error) {
    tellLauncher(launcher, byMessage, error);
    // Undone to its end: the process ends with the pod.
    if (!supervisor.isOver) throw error;
  }
}

/** False where he does not listen any more. */
function tell(words: UpReply | string): boolean {
  try {
    writeSync(FD.userOut, typeof words === "string" ? words : `${JSON.stringify(words)}\n`);
    return true;
  } catch {
    return false;
  }
}

/** The caller still waits for the answer that the first supervisor owed him. */
function tellLauncher(launcher: Launcher | undefined, byMessage: boolean, error: unknown): void {
  if (launcher === undefined) return;
  const known = asPeapodError(error);
  if (byMessage) {
    tell({ error: known.toJSON() });
    launcher.answer(1);
    return;
  }
  try {
    writeSync(FD.userErr, `peapod: ${known.message}\n`);
  } catch {
    // He does not listen any more.
  }
  launcher.answer(known.code === "CANCELED" && launcher.gone.aborted ? 130 : 125);
}

function isSocket(fd: number): boolean {
  try {
    return fstatSync(fd).isSocket();
  } catch {
    return false;
  }
}
