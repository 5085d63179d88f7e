// Crash-only: whatever nobody caught ends the supervisor, which the reaper starts again from what is on disk. Written
// without pino and in its shape, synchronously: this is the last thing that the process does.

import { appendFileSync } from "node:fs";

const FATAL = 60;
let logPath: string | undefined;

/** From now on an error that nobody catches stands in `path`, and the process ends with 1. */
export function crashInto(path: string): void {
  if (logPath === undefined) {
    process.on("uncaughtException", crash);
    process.on("unhandledRejection", crash);
  }
  logPath = path;
}

function crash(error: unknown): never {
  const err =
    error instanceof Error
      ? { type: error.name, message: error.message, stack: error.stack }
      : { message: String(error) };
  try {
    appendFileSync(
      logPath ?? "",
      `${JSON.stringify({ level: FATAL, time: new Date().toISOString(), err, msg: "the supervisor crashed" })}\n`,
      {
        mode: 0o600,
      },
    );
  } catch {
    // A full disk, or the pod is gone: the exit code has to do.
  }
  process.exit(1);
}
