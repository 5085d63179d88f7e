// What Node's timers can do.

/** Milliseconds, some 24 days: who waits longer would not wait at all (setTimeout's delay is a signed 32-bit number). */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;
