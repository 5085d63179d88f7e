// Every exit status that peapod ends with, in one table; docs/exit-codes.md is checked against it.
// 125, 126 and 127 are podman's and docker's: below 125 a status is the pod's own.

import type { ErrorCode, PeapodError } from "../../base/errors.ts";

export const EXIT = {
  ok: 0,
  /** `verify`, `doctor` and `ns --diff` looked and found something. */
  found: 1,
  failed: 125,
  cannotInvoke: 126,
  commandNotFound: 127,
  interrupted: 130,
} as const;

export const STATUS_OF: Readonly<Record<ErrorCode, number>> = {
  BAD_USAGE: EXIT.failed,
  BAD_MANIFEST: EXIT.failed,
  NOT_FOUND: EXIT.failed,
  ALREADY_EXISTS: EXIT.failed,
  WRONG_STATE: EXIT.failed,
  NOT_SUPPORTED: EXIT.failed,
  HOST_LACKS: EXIT.failed,
  NOT_PERMITTED: EXIT.failed,
  OUT_OF_RESOURCES: EXIT.failed,
  RUNTIME_MISSING: EXIT.failed,
  RUNTIME_FAILED: EXIT.failed,
  NETWORK_FAILED: EXIT.failed,
  TIMED_OUT: EXIT.failed,
  CANCELED: EXIT.interrupted,
  SUPERVISOR_GONE: EXIT.failed,
  TOO_OLD: EXIT.failed,
  STATE_DAMAGED: EXIT.failed,
  BUG: EXIT.failed,
};

/** What a shell shows for a process that this signal ended. */
export function statusOfSignal(signal: "SIGHUP" | "SIGINT" | "SIGPIPE" | "SIGTERM"): number {
  return 128 + { SIGHUP: 1, SIGINT: 2, SIGPIPE: 13, SIGTERM: 15 }[signal];
}

/** `exec` when the command was never begun: 126 or 127 where the command is to blame, as podman does it. */
export function statusOfFailedExec(error: PeapodError): number {
  if (/not found|no such file or directory/i.test(error.message)) return EXIT.commandNotFound;
  if (
    /cannot be executed|is not executable|no program for this machine|permission denied|operation not permitted|is a directory|exec format error/i.test(
      error.message,
    )
  ) {
    return EXIT.cannotInvoke;
  }
  return EXIT.failed;
}
