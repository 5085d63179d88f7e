// Starts the process that carries one container's output. It puts itself in the background, so that it is the reaper's
// child from the start: its end is told like any other, and no supervisor's death can reach it.

import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { asPeapodError, PeapodError } from "../base/errors.ts";
import { makeDir } from "../base/files.ts";
import { swiftCall } from "../base/swift-call.ts";
import { readIoPid, readLastIoPid } from "./io-process.ts";

const START_MS = 10_000;
/** An io that is just ending may hold its lock for a moment. */
const LOCK_ATTEMPTS = 50;
const LOCK_PAUSE_MS = 10;

export interface IoRequest {
  /** Path of peapod-io. */
  readonly program: string;
  readonly log: string;
  readonly lock: string;
  readonly stdout: string;
  readonly stderr: string;
  /** Unix socket for attach clients. */
  readonly attach?: string;
  /** One was there before and died: the log tells it, and without a writer left it ends at once. */
  readonly resumed?: boolean;
  /** The log is rotated before it grows beyond; unlimited unless told. */
  readonly maxSizeBytes?: number;
  /** All files of the log together; 5 unless told. */
  readonly maxFiles?: number;
}

/**
 * Returns once it reads. Where another io holds the lock already, that one is the answer.
 * @throws HOST_LACKS where the program is not there, OUT_OF_RESOURCES, NOT_PERMITTED, TIMED_OUT, BUG
 */
export async function startIo(request: IoRequest): Promise<{ readonly pid: number }> {
  try {
    makeDir(dirname(request.log));
    makeDir(dirname(request.stdout));
  } catch (error) {
    throw asPeapodError(error, request.log);
  }
  for (let attempt = 1; ; attempt += 1) {
    const result = await swiftCall({ program: request.program, args: makeIoArgs(request), timeoutMs: START_MS });
    if (result.exitCode === 0) {
      const pid = readLastIoPid(request.lock);
      if (pid !== undefined) return { pid };
    }
    if (/another io holds it/.test(result.stderr) && attempt < LOCK_ATTEMPTS) {
      const pid = readIoPid(request.lock);
      if (pid !== undefined) return { pid };
      await sleep(LOCK_PAUSE_MS);
      continue;
    }
    if (result.startError)
      throw new PeapodError("HOST_LACKS", `${request.program}: cannot be run (${result.startError})`);
    if (result.timedOut) throw new PeapodError("TIMED_OUT", `${request.log}: its io did not start in ${START_MS} ms`);
    const full = /No space left|quota exceeded/i.test(result.stderr);
    const sentence = result.stderr.trim().replace(/^peapod-io: /, "") || "its io did not start";
    throw new PeapodError(full ? "OUT_OF_RESOURCES" : "BUG", sentence, { detail: result });
  }
}

function makeIoArgs(request: IoRequest): string[] {
  const { log, lock, stdout, stderr, attach, resumed, maxSizeBytes, maxFiles } = request;
  return [
    ...["--log", log, "--lock", lock, "--stdout", stdout, "--stderr", stderr],
    ...(attach === undefined ? [] : ["--attach", attach]),
    ...(maxSizeBytes === undefined ? [] : ["--max-size", String(maxSizeBytes)]),
    ...(maxFiles === undefined ? [] : ["--max-files", String(maxFiles)]),
    ...(resumed ? ["--resumed"] : []),
  ];
}
