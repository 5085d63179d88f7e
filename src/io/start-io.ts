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

/** A file of CRI log lines. */
export interface LogOutput {
  readonly kind: "log";
  readonly path: string;
  /** The log is rotated before it grows beyond; unlimited unless told. */
  readonly maxSizeBytes?: number;
  /** All files of the log together; 5 unless told. */
  readonly maxFiles?: number;
}

/** Somebody else's stdout and stderr: pipes, FIFOs, terminals or files, also as `/proc/PID/fd/N`; sockets only so. */
export interface ForwardOutput {
  readonly kind: "forward";
  readonly stdout: string;
  readonly stderr: string;
  /** Before each line, at most 256 bytes; a line goes out as one then. Undefined: bytes go through as they come. */
  readonly prefix: string | undefined;
}

/** Two FIFOs, which are made unless they are there, or a terminal that the runtime hands over on a socket. */
export type IoSource =
  | {
      readonly kind: "fifos";
      readonly stdout: string;
      readonly stderr: string;
      readonly stdin?: { readonly path: string; readonly once: boolean; readonly keeper: string };
    }
  | { readonly kind: "terminal"; readonly console: string; readonly pidFile: string; readonly keeper: string };

export interface IoRequest {
  /** Path of peapod-io. */
  readonly program: string;
  readonly output: LogOutput | ForwardOutput;
  readonly lock: string;
  readonly source: IoSource;
  /** Unix socket for attach clients. */
  readonly attach?: string;
  /** Whom it tells of a log that cannot be written: the pod's control socket, and of which container. */
  readonly control?: { readonly socket: string; readonly container: string };
  /** One was there before and died: a line on stderr tells it, and without a writer left it ends at once. */
  readonly resumed?: boolean;
}

/**
 * Returns once it reads. Where another io holds the lock already, that one is the answer.
 * @throws HOST_LACKS where the program is not there, OUT_OF_RESOURCES, NOT_PERMITTED, TIMED_OUT, BUG
 */
export async function startIo(request: IoRequest): Promise<{ readonly pid: number }> {
  const { output } = request;
  const subject = output.kind === "log" ? output.path : request.lock;
  try {
    makeDir(dirname(subject));
    makeDir(dirname(request.lock));
  } catch (error) {
    throw asPeapodError(error, subject);
  }
  for (let attempt = 1; ; attempt += 1) {
    const result = await swiftCall({ program: request.program, args: makeIoArgs(request), timeoutMs: START_MS });
    if (result.exitCode === 0) {
      const pid = readLastIoPid(request.lock);
      if (pid !== undefined) return { pid };
    }
    // Killed before it was ready: nothing went through it.
    if (result.exitCode === 1 && result.stderr.trim() === "" && attempt < LOCK_ATTEMPTS) continue;
    if (/another io holds it/.test(result.stderr) && attempt < LOCK_ATTEMPTS) {
      const pid = readIoPid(request.lock);
      if (pid !== undefined) return { pid };
      await sleep(LOCK_PAUSE_MS);
      continue;
    }
    if (result.startError)
      throw new PeapodError("HOST_LACKS", `${request.program}: cannot be run (${result.startError})`);
    if (result.timedOut) throw new PeapodError("TIMED_OUT", `${subject}: its io did not start in ${START_MS} ms`);
    const full = /No space left|quota exceeded/i.test(result.stderr);
    const sentence = result.stderr.trim().replace(/^peapod-io: /, "") || "its io did not start";
    throw new PeapodError(full ? "OUT_OF_RESOURCES" : "BUG", sentence, { detail: result });
  }
}

function makeIoArgs(request: IoRequest): string[] {
  const { lock, attach, control, resumed } = request;
  return [
    // First, since whoever looks for the lock's holder takes the first word that is `--lock`, and a prefix may be any text.
    ...["--lock", lock],
    ...makeSourceArgs(request.source),
    ...makeOutputArgs(request.output),
    ...(attach === undefined ? [] : ["--attach", attach]),
    ...(control === undefined ? [] : ["--control", control.socket, "--container", control.container]),
    ...(resumed ? ["--resumed"] : []),
  ];
}

function makeSourceArgs(source: IoSource): string[] {
  switch (source.kind) {
    case "fifos": {
      const { stdout, stderr, stdin } = source;
      return [
        ...["--stdout", stdout, "--stderr", stderr],
        ...(stdin === undefined ? [] : ["--stdin", stdin.path, "--keeper", stdin.keeper]),
        ...(stdin?.once ? ["--stdin-once"] : []),
      ];
    }
    case "terminal":
      return ["--console", source.console, "--pid-file", source.pidFile, "--keeper", source.keeper];
  }
}

function makeOutputArgs(output: LogOutput | ForwardOutput): string[] {
  switch (output.kind) {
    case "log":
      return [
        ...["--log", output.path],
        ...(output.maxSizeBytes === undefined ? [] : ["--max-size", String(output.maxSizeBytes)]),
        ...(output.maxFiles === undefined ? [] : ["--max-files", String(output.maxFiles)]),
      ];
    case "forward":
      return [
        ...["--forward-stdout", output.stdout, "--forward-stderr", output.stderr],
        ...(output.prefix === undefined ? [] : ["--prefix", output.prefix]),
      ];
  }
}
