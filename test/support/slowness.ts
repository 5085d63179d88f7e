// How many times slower this machine is than those that the tests' time limits were made for. Every limit of a test goes
// through here; what a limit is measured against (a grace period, a log line's time) does not.

/** PEAPOD_TEST_SLOWNESS: about 20 in an emulated machine (scripts/vm). */
export const SLOWNESS = Number(process.env.PEAPOD_TEST_SLOWNESS || 1);

/** A time limit as this machine needs it. */
export function patient(ms: number): number {
  return ms * SLOWNESS;
}
