// Asks until the answer is yes. For what comes true by itself and tells nobody; never for measuring time.

import { setTimeout as sleep } from "node:timers/promises";
import { patient } from "./slowness.ts";

/** Generous: a machine under load is slow, and only a test that fails waits this long. */
const DEADLINE_MS = 30_000;
const PAUSE_MS = 10;

/** @throws Error that names `what` when the deadline has passed */
export async function waitUntil(
  what: string,
  question: () => boolean | Promise<boolean>,
  deadlineMs = DEADLINE_MS,
): Promise<void> {
  const end = Date.now() + patient(deadlineMs);
  for (;;) {
    const asked = Date.now();
    if (await question()) return;
    const answered = Date.now();
    if (answered > end) throw new Error(`waited ${patient(deadlineMs) / 1000} s in vain until ${what}`);
    // At least half of the time is theirs whom it waits for: a question may be a whole program.
    await sleep(Math.max(PAUSE_MS, answered - asked));
  }
}
