// When to look again: after every event of the journal, once for all that come together, and at a time that the last look
// has named. While held, not at all.

import { LONGEST_TIMER_MS } from "../base/timer.ts";
import type { Journal } from "../state/journal.ts";

export class Rounds {
  readonly #look: (nowMs: number) => number | undefined;
  #isOn = false;
  #isScheduled = false;
  #timer: NodeJS.Timeout | undefined;
  #wakeAtMs: number | undefined;

  /** `look` returns when to look again although nothing has happened; milliseconds since 1970. */
  constructor(journal: Pick<Journal, "onEvent">, look: (nowMs: number) => number | undefined) {
    this.#look = look;
    journal.onEvent(() => this.schedule());
  }

  /** A look is about to be taken. */
  get isScheduled(): boolean {
    return this.#isScheduled;
  }

  get wakeAtMs(): number | undefined {
    return this.#wakeAtMs;
  }

  begin(): void {
    this.#isOn = true;
    this.schedule();
  }

  hold(): void {
    this.#isOn = false;
    clearTimeout(this.#timer);
    this.#wakeAtMs = undefined;
  }

  schedule(): void {
    if (!this.#isOn || this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      if (this.#isOn) this.#round();
    });
  }

  #round(): void {
    clearTimeout(this.#timer);
    const now = Date.now();
    const wakeAtMs = this.#look(now);
    // The look itself may have led to a hold.
    this.#wakeAtMs = this.#isOn ? wakeAtMs : undefined;
    if (wakeAtMs === undefined || !this.#isOn) return;
    const waitMs = Math.min(Math.max(wakeAtMs - now, 1), LONGEST_TIMER_MS);
    this.#timer = setTimeout(() => this.schedule(), waitMs);
  }
}
