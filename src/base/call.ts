// The one place that runs other programs. A call that changes something must outlive the supervisor that
// made it, so its output goes to files (a pipe whose reader died would kill it) and nothing here kills it
// but its own deadline.

import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";

export interface Call {
  readonly program: string;
  readonly args: readonly string[];
  /** Milliseconds; after them the program gets SIGKILL and the result says `timedOut`. None: waits for ever. */
  readonly timeoutMs?: number;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Text for its standard input; none: /dev/null. */
  readonly input?: string;
  /** Descriptors for stdin, stdout and stderr instead of our own arrangement (a container's FIFOs). */
  readonly descriptors?: readonly [number | "ignore", number | "ignore", number | "ignore"];
  /** Directory for output files of a call that must outlive us; without it output comes through pipes. */
  readonly outliveIn?: string;
  /** Aborted: the program gets SIGINT, and is waited for all the same. */
  readonly cancel?: AbortSignal;
  /** True: in a session of its own, so that a terminal's Ctrl-C does not reach it. Default true. */
  readonly ownSession?: boolean;
}

export interface CallResult {
  /** Undefined when it could not be started or was ended by a signal. */
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  readonly timedOut: boolean;
  readonly stdout: string;
  readonly stderr: string;
  /** errno name when the program could not be started: `ENOENT`, `EACCES`. */
  readonly startError: string | undefined;
}

let callNumber = 0;

/** Runs one program to its end. Never throws for what the program does: the result tells. */
export async function call(what: Call): Promise<CallResult> {
  const files = what.outliveIn === undefined ? undefined : openOutputFiles(what.outliveIn);
  try {
    const [stdin, stdout, stderr] = what.descriptors ?? ["ignore", files?.out, files?.err];
    const running = execa(what.program, what.args, {
      ...(what.input === undefined ? { stdin: asOption(stdin) } : { input: what.input }),
      stdout: asOption(stdout),
      stderr: asOption(stderr),
      reject: false,
      // execa's defaults end a child with its parent; a half-killed `runc create` leaves a half-made container.
      cleanup: false,
      forceKillAfterDelay: false,
      killSignal: "SIGKILL",
      detached: what.ownSession ?? true,
      stripFinalNewline: false,
      ...(what.timeoutMs === undefined ? {} : { timeout: what.timeoutMs }),
      ...(what.cwd === undefined ? {} : { cwd: what.cwd }),
      ...(what.env === undefined ? {} : { env: what.env }),
    });
    what.cancel?.addEventListener("abort", () => running.kill("SIGINT"));
    if (what.cancel?.aborted) running.kill("SIGINT");
    const result = await running;
    return {
      exitCode: result.exitCode,
      signal: result.signal,
      timedOut: result.timedOut,
      stdout: files ? readFileSync(files.outPath, "utf8") : String(result.stdout ?? ""),
      stderr: files ? readFileSync(files.errPath, "utf8") : String(result.stderr ?? ""),
      startError: result.exitCode === undefined && result.signal === undefined ? result.code : undefined,
    };
  } finally {
    if (files) closeOutputFiles(files);
  }
}

/** A descriptor that the child gets as it is. execa takes the number, but its types name it for stdin only in part. */
function asOption(descriptor: number | "ignore" | undefined): "ignore" | "pipe" {
  return (descriptor ?? "pipe") as "ignore" | "pipe";
}

interface OutputFiles {
  readonly outPath: string;
  readonly errPath: string;
  readonly out: number;
  readonly err: number;
}

function openOutputFiles(dir: string): OutputFiles {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  callNumber += 1;
  const base = join(dir, `${process.pid}-${callNumber}`);
  const outPath = `${base}.out`;
  const errPath = `${base}.err`;
  return { outPath, errPath, out: openSync(outPath, "w", 0o600), err: openSync(errPath, "w", 0o600) };
}

function closeOutputFiles(files: OutputFiles): void {
  closeSync(files.out);
  closeSync(files.err);
  rmSync(files.outPath, { force: true });
  rmSync(files.errPath, { force: true });
}
