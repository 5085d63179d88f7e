// The one importer of pino: what peapod itself has to say, for those who operate it.
// Loaded late, since the first container does not need it.

import { pino } from "pino";

export type Log = pino.Logger;

/** A log to a file; synchronous, so that the last line before a crash is there. */
export function openLog(path: string, level: string): Log {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: path, sync: true, mkdir: true }),
  );
}
