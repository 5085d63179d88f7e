// The way up: the plan's stages, one after the other, and what becomes of a pod that does not get there. Each step may have
// been done before a supervisor's death.

import { asPeapodError, PeapodError } from "../base/errors.ts";
import { announceMoves } from "../host/cgroups/cgroups.ts";
import { makeRunStages } from "../plan/stages.ts";
import { finalStatusOf } from "../state/fold.ts";
import type { KeptPod } from "./context.ts";
import { releaseReserve } from "./reserve.ts";
import { executeStage, isStartStep } from "./steps.ts";

/** @throws CANCELED where `canceled` has been aborted meanwhile */
export async function climb(pod: KeptPod, want: "created" | "running", canceled?: AbortSignal): Promise<void> {
  if (pod.journal.state.createdAt === undefined) announceMoves(pod.facts);
  const { stages } = pod.plan;
  const isAtOnce = pod.journal.state.createdAt === undefined || pod.journal.state.restartedAt !== undefined;
  for (const stage of want === "running" && isAtOnce ? makeRunStages(stages) : stages) {
    if (stage.some(isStartStep)) {
      noteOnce(pod, "pod.created", pod.journal.state.createdAt);
      if (want === "created") break;
    }
    await executeStage(stage, pod);
    if (canceled?.aborted) throw new PeapodError("CANCELED", `pod ${pod.plan.pod}: given up by the caller`);
  }
  noteOnce(pod, "pod.created", pod.journal.state.createdAt);
  if (want === "running") noteOnce(pod, "pod.started", pod.journal.state.startedAt);
}

/** For a pod that nobody has been told of yet: it came up, or it never was. */
export async function undoOnFailure(
  pod: KeptPod,
  goUp: () => Promise<void>,
  takeDown: () => Promise<void>,
): Promise<void> {
  try {
    await goUp();
  } catch (error) {
    const reason = asPeapodError(error, `pod ${pod.plan.pod}`);
    releaseReserve(pod.plan.paths.dir);
    if (pod.journal.state.error === undefined) tryToNoteFailure(pod, reason);
    await takeDown().catch((leftOver: unknown) => pod.report(leftOver, "the undo failed"));
    throw reason;
  }
}

/** For a pod that its owner knows: it stays to be looked at, but nothing of it runs. */
export async function killOnFailure(pod: KeptPod, goUp: () => Promise<void>): Promise<void> {
  try {
    await goUp();
  } catch (error) {
    const reason = asPeapodError(error, `pod ${pod.plan.pod}`);
    tryToNoteFailure(pod, reason);
    (await import("./restart.ts")).failUnmade(pod, reason);
    await Promise.all([...pod.containers.values()].map((keeper) => keeper.kill()));
    pod.journal.append({ type: "pod.exited", status: finalStatusOf(pod.journal.state) });
    throw reason;
  }
}

function noteOnce(pod: KeptPod, type: "pod.created" | "pod.started", since: string | undefined): void {
  if (since === undefined) pod.journal.append({ type });
}

function tryToNoteFailure(pod: KeptPod, reason: PeapodError): void {
  try {
    pod.journal.append({ type: "pod.failed", error: reason.toJSON() });
  } catch {
    // A full disk may be the very failure; the caller hears of it all the same.
  }
}
