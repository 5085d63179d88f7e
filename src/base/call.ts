// Runs the programs that no container waits for; swift-call.ts runs the others. Output comes through pipes, so what must
// outlive its caller does not belong here. Nothing here ends a program but its own deadline or a caller who gives up.

import { execa } from "execa";

export interface Call {
  readonly program: string;
  readonly args: readonly string[];
  /** Milliseconds; after them the program gets SIGKILL and the result says `timedOut`. None: waits for ever. */
  readonly timeoutMs?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Descriptors for stdin, stdout and stderr instead of our own arrangement (a container's FIFOs). */
  readonly descriptors?: readonly [number | "ignore", CallStream, CallStream];
  /** Aborted: the program gets SIGINT, and is waited for all the same. */
  readonly cancel?: AbortSignal;
  /** Hears its pid once it runs. */
  readonly onStart?: (pid: number) => void;
  /** True: in a session of its own, so that a terminal's Ctrl-C does not reach it. Default true. */
  readonly ownSession?: boolean;
}

/** `pipe`: into the result. */
export type CallStream = number | "ignore" | "pipe";

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

/** Runs one program to its end. Never throws for what the program does: the result tells. */
export async function call(what: Call): Promise<CallResult> {
  const [stdin, stdout, stderr] = what.descriptors ?? ["ignore", undefined, undefined];
  const running = execa(what.program, what.args, {
    stdin: asOption(stdin),
    stdout: asOption(stdout),
    stderr: asOption(stderr),
    reject: false,
    // execa's defaults end a child with its parent; a half-killed `runc exec` leaves a process that nobody knows.
    cleanup: false,
    forceKillAfterDelay: false,
    killSignal: "SIGKILL",
    detached: what.ownSession ?? true,
    stripFinalNewline: false,
    ...(what.timeoutMs === undefined ? {} : { timeout: what.timeoutMs }),
    ...(what.env === undefined ? {} : { env: what.env }),
  });
  if (running.pid !== undefined) what.onStart?.(running.pid);
  what.cancel?.addEventListener("abort", () => running.kill("SIGINT"));
  if (what.cancel?.aborted) running.kill("SIGINT");
  const result = await running;
  return {
    exitCode: result.exitCode,
    signal: result.signal,
    timedOut: result.timedOut,
    stdout: String(result.stdout ?? ""),
    stderr: String(result.stderr ?? ""),
    startError: result.exitCode === undefined && result.signal === undefined ? result.code : undefined,
  };
}

/** A descriptor that the child gets as it is. execa takes the number, but its types name it for stdin only in part. */
function asOption(descriptor: CallStream | undefined): "ignore" | "pipe" {
  return (descriptor ?? "pipe") as "ignore" | "pipe";
}
