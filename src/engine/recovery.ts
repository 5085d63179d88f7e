// A supervisor's way back after its death or its sleep: takes note of what happened meanwhile, then goes on with what was
// wanted. INVARIANT: each step may have been done before, wholly or by half, and may be done again.

import { existsSync } from "node:fs";
import { PeapodError } from "../base/errors.ts";
import { checkpointDir } from "../base/paths.ts";
import type { Caretaker } from "./caretaker.ts";
import { killOnFailure } from "./climb.ts";
import type { KeptPod } from "./context.ts";

/** What a supervisor does with its pod, whoever asked for it. */
export interface Abilities {
  readonly pod: KeptPod;
  climb(want: "created" | "running", canceled?: AbortSignal): Promise<void>;
  undoOnFailure(goUp: () => Promise<void>): Promise<void>;
  /** It is up: whoever runs is looked after again. */
  takeOver(): void;
  finishChange(): Promise<void>;
  stop(): Promise<void>;
  restart(): Promise<void>;
  takeDown(isStrict: boolean): Promise<void>;
}

/** What became of the containers, and what was begun with them and not brought to its end. */
export async function catchUp(pod: KeptPod, caretaker: Caretaker, wasAsleep: boolean): Promise<void> {
  const { journal } = pod;
  const keepers = [...pod.containers.values()];
  if (journal.state.checkpointedAt !== undefined || existsSync(checkpointDir(pod.plan.paths)))
    await (await import("./checkpoint/settle-checkpoint.ts")).settleCheckpoint(pod);
  await Promise.all(keepers.map((keeper) => keeper.recover()));
  await Promise.all(keepers.map((keeper) => caretaker.recoverIo(keeper)));
  if (!wasAsleep) await (await import("./changes/update-pod.ts")).finishUpdates(pod);
  if (!wasAsleep) journal.append({ type: "pod.recovered" });
  const { changedAt, exitStatus, want } = journal.state;
  if (changedAt !== undefined && want !== "deleted") {
    const { prepareChanged } = await import("./changes/change-members.ts");
    // Whoever asked for it is told when he asks; the others run on.
    await prepareChanged(pod).catch((error: unknown) => pod.report(error, "not all that the pod became could be made"));
  }
  // Who was killed between the two could not tell it.
  if (exitStatus !== undefined && want !== "restarted") caretaker.tellResult(exitStatus);
}

/** `canceled`: of the caller of the pod's first way up, where he still waits. */
export async function goOn(can: Abilities, canceled: AbortSignal | undefined): Promise<void> {
  const { pod } = can;
  const { want, exitedAt } = pod.journal.state;
  switch (want) {
    case "created":
    case "running":
      return await goOnUp(can, want, canceled);
    case "stopped":
      if (exitedAt === undefined) await can.stop();
      return;
    case "restarted":
      return await can.restart().catch((error: unknown) => pod.report(error, "the restart failed"));
    case "deleted":
      return await goOnDeleting(can);
  }
}

async function goOnUp(can: Abilities, want: "created" | "running", canceled: AbortSignal | undefined): Promise<void> {
  const { pod } = can;
  const { startedAt, createdAt, exitedAt, changing, error } = pod.journal.state;
  const { requestCount } = pod.journal;
  const isUp = want === "running" ? startedAt !== undefined : createdAt !== undefined;
  if (isUp) {
    can.takeOver();
    if (changing !== undefined) await can.finishChange();
    return;
  }
  // A failure that stands there has not been dealt with to its end: that is all that is left to do.
  const failAgain = () => {
    if (error !== undefined) throw PeapodError.fromJson(error);
  };
  if (requestCount <= 1) {
    await can.undoOnFailure(async () => {
      failAgain();
      if (requestCount === 0) throw neverWanted(pod);
      assertAwaited(pod, canceled);
      await can.climb(want, canceled);
    });
  } else if (exitedAt === undefined) {
    const climbAgain = async () => {
      failAgain();
      await can.climb(want);
    };
    await killOnFailure(pod, climbAgain).catch((error: unknown) => pod.report(error, "the start failed"));
  }
}

/** What kept the pod then, and keeps it now, whoever asks again is told. */
async function goOnDeleting({ pod, takeDown }: Abilities): Promise<void> {
  if (pod.journal.state.isForced) return await takeDown(false);
  await takeDown(true).catch((error: unknown) => pod.report(error, "the pod stays"));
}

/** Killed before it could write down what it was to be, its supervisor took that along. */
function neverWanted(pod: KeptPod): PeapodError {
  return new PeapodError("CANCELED", `pod ${pod.plan.pod}: its supervisor died before it was made`);
}

/** A pod that came up for nobody is not wanted: whoever asked for it has been told that it failed. */
function assertAwaited(pod: KeptPod, canceled: AbortSignal | undefined): void {
  if (canceled !== undefined && !canceled.aborted) return;
  throw new PeapodError("CANCELED", `pod ${pod.plan.pod}: given up by the caller`);
}
