// How long something is waited for, where that may become less while it is waited for.

import { LONGEST_TIMER_MS } from "../base/timer.ts";

export class Patience {
  #untilMs: number;
  #timer: NodeJS.Timeout | undefined;
  readonly #cutShort = new AbortController();

  /** Milliseconds since 1970. */
  constructor(untilMs: number) {
    this.#untilMs = untilMs;
  }

  get leftMs(): number {
    return Math.max(0, this.#untilMs - Date.now());
  }

  /** Aborted when it is over, if that is sooner than it was to be at first. */
  get cutShort(): AbortSignal {
    return this.#cutShort.signal;
  }

  /** A time that comes later than its end changes nothing. */
  shorten(untilMs: number): void {
    if (untilMs >= this.#untilMs) return;
    this.#untilMs = untilMs;
    this.end();
    if (this.leftMs === 0) this.#cutShort.abort();
    else this.#timer = setTimeout(() => this.#cutShort.abort(), Math.min(this.leftMs, LONGEST_TIMER_MS));
  }

  /** Nobody waits any more. */
  end(): void {
    clearTimeout(this.#timer);
  }
}
