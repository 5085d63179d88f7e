// Runs the programs that a pod's first container waits for: execa takes 15 ms to load and 20 more for its first call, and
// that is a fifth of a pod's way up (docs/decisions/0006). Output goes to files without a name, so that a call outlives
// the supervisor that made it: a pipe whose reader died would kill it. Nothing but the deadline ends it.

import { spawn } from "node:child_process";
import { closeSync, fstatSync, openSync, readSync, unlinkSync } from "node:fs";
import type { CallResult } from "./call.ts";
import { errnoOf } from "./errors.ts";

export interface SwiftCall {
  readonly program: string;
  readonly args: readonly string[];
  /** Milliseconds; after them the program gets SIGKILL and the result says `timedOut`. */
  readonly timeoutMs: number;
  /** Beside our own. */
  readonly env?: Readonly<Record<string, string>>;
  /** Descriptors for stdin, stdout and stderr instead of our own arrangement (a container's FIFOs). */
  readonly descriptors?: readonly [number | "ignore", number, number];
}

let callNumber = 0;

/** One program to its end, in a session of its own. Never throws for what the program does: the result tells. */
export async function swiftCall(what: SwiftCall): Promise<CallResult> {
  const out = what.descriptors === undefined ? openNameless() : undefined;
  const err = what.descriptors === undefined ? openNameless() : undefined;
  try {
    const ended = await runToEnd(what, what.descriptors ?? ["ignore", out ?? "ignore", err ?? "ignore"]);
    return { ...ended, stdout: readWhole(out), stderr: readWhole(err) };
  } finally {
    if (out !== undefined) closeSync(out);
    if (err !== undefined) closeSync(err);
  }
}

function runToEnd(
  { program, args, timeoutMs, env }: SwiftCall,
  stdio: readonly (number | "ignore")[],
): Promise<Omit<CallResult, "stdout" | "stderr">> {
  return new Promise((resolve) => {
    let timedOut = false;
    const child = spawn(program, args, {
      stdio: [...stdio],
      detached: true,
      ...(env === undefined ? {} : { env: { ...process.env, ...env } }),
    });
    const deadline = setTimeout(() => {
      timedOut = child.kill("SIGKILL");
    }, timeoutMs);
    child.on("error", (error) => {
      clearTimeout(deadline);
      resolve({ exitCode: undefined, signal: undefined, timedOut: false, startError: errnoOf(error) ?? "EIO" });
    });
    child.on("exit", (code, signal) => {
      clearTimeout(deadline);
      resolve({ exitCode: code ?? undefined, signal: signal ?? undefined, timedOut, startError: undefined });
    });
  });
}

/** In memory, and gone with its last descriptor. */
function openNameless(): number {
  callNumber += 1;
  const path = `/dev/shm/.peapod-${process.pid}-${callNumber}`;
  const fd = openSync(path, "wx+", 0o600);
  unlinkSync(path);
  return fd;
}

function readWhole(fd: number | undefined): string {
  if (fd === undefined) return "";
  const bytes = Buffer.alloc(fstatSync(fd).size);
  readSync(fd, bytes, 0, bytes.length, 0);
  return bytes.toString("utf8");
}
