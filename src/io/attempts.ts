// A container's attempts, by the logs that are there: `0.log` is the first one's.

import { readNames } from "../base/files.ts";

/** In order. */
export function listAttempts(logDir: string): number[] {
  return readNames(logDir)
    .flatMap((name) => /^(0|[1-9]\d*)\.log$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}
