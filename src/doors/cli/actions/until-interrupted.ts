// A pod goes on with what it was asked, also when whoever asked does not wait for it any more. He is told so.

import { PeapodError } from "../../../base/errors.ts";
import type { PodName } from "../../../base/names.ts";
import { statusOfSignal } from "../exit-codes.ts";
import type { StopSignal, Task } from "../task.ts";

/** Waits for `asked`, or for a signal: its status then, else undefined. ask.c says the same in the same words. */
export async function untilInterrupted(
  task: Task,
  pod: PodName,
  asked: () => Promise<unknown>,
  unasked: readonly string[] = [],
): Promise<number | undefined> {
  let ignoreSignals = () => {};
  const interrupted = new Promise<StopSignal>((resolve) => {
    ignoreSignals = task.world.onSignal(resolve);
  });
  try {
    const signal = await Promise.race([interrupted, asked().then(() => undefined)]);
    if (signal === undefined) return undefined;
    const others = unasked.length === 0 ? "" : `; nothing was asked of ${unasked.join(", ")}`;
    const message = `pod ${pod}: goes on with what was asked of it; peapod state ${pod} tells of it${others}`;
    await task.complain(new PeapodError("CANCELED", message));
    return statusOfSignal(signal);
  } finally {
    ignoreSignals();
  }
}
