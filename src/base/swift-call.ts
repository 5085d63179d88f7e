// Runs the programs that a pod's first container waits for: execa takes 15 ms to load and 20 more for its first call, and
// that is a fifth of a pod's way up (docs/decisions/0006). Output goes to files without a name, so that a call outlives
// the supervisor that made it: a pipe whose reader died would kill it. Nothing but the deadline ends it.

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, fstatSync, openSync, readFileSync, readSync, unlinkSync, writeSync } from "node:fs";
import type { Socket } from "node:net";
import { constants } from "node:os";
import { getSystemErrorName } from "node:util";
import type { CallResult } from "./call.ts";
import { errnoOf } from "./errors.ts";
import { makeUuid } from "./unique.ts";

/** Ours by number, none, or another process's own (which only the helper can hand on). */
export type Descriptor = number | "ignore" | { readonly pid: number; readonly fd: number };
export type Stdio = readonly [Descriptor, Descriptor, Descriptor];

export interface SwiftCall {
  readonly program: string;
  readonly args: readonly string[];
  /** Milliseconds; after them the program gets SIGKILL and the result says `timedOut`. */
  readonly timeoutMs: number;
  /** Beside our own; undefined: not even ours. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Descriptors for stdin, stdout and stderr instead of our own arrangement (a container's FIFOs). */
  readonly descriptors?: Stdio;
  /** What it reads from stdin, in our own arrangement. */
  readonly input?: string;
  /** The deadline ends what the program has started as well, unless that made a session of its own. */
  readonly endsGroup?: boolean;
}

let callNumber = 0;

/** One program to its end, in a session of its own. Never throws for what the program does: the result tells. */
export async function swiftCall(what: SwiftCall): Promise<CallResult> {
  const out = what.descriptors === undefined ? openNameless() : undefined;
  const err = what.descriptors === undefined ? openNameless() : undefined;
  const input = what.input === undefined ? undefined : openNameless();
  try {
    // At a position, so that whoever shares the descriptor reads from the beginning.
    if (input !== undefined) writeSync(input, Buffer.from(what.input ?? ""), 0, undefined, 0);
    const ended = await runToEnd(what, what.descriptors ?? [input ?? "ignore", out ?? "ignore", err ?? "ignore"]);
    return { ...ended, stdout: readWhole(out), stderr: readWhole(err) };
  } finally {
    if (input !== undefined) closeSync(input);
    if (out !== undefined) closeSync(out);
    if (err !== undefined) closeSync(err);
  }
}

type Ended = Omit<CallResult, "stdout" | "stderr">;

let caller: Caller | undefined;

/**
 * From now on `program` (see caller.c) starts what swiftCall runs: it forks in microseconds where this process takes a
 * millisecond and stands still. `onDeath`: it died, and what becomes of the calls that run is not known.
 */
export function callThrough(program: string, onDeath: () => void): void {
  caller = new Caller(program, onDeath);
}

/** A process of a program that waits on its standard input, for what a process is good for by being there. */
export function startIdle(program: string): { readonly pid: number | undefined; readonly end: () => Promise<void> } {
  const idle = new Caller(program, () => undefined);
  return { pid: idle.pid, end: () => idle.close() };
}

/** Resolves when the helper has ended, so that nobody else has to reap it. What it started goes on. */
export async function endCaller(): Promise<void> {
  const ending = caller;
  // Before anybody can ask the one that is ending: what comes meanwhile is started from here.
  caller = undefined;
  await ending?.close();
}

function runToEnd(what: SwiftCall, stdio: Stdio): Promise<Ended> {
  return caller === undefined ? spawnToEnd(what, stdio) : caller.run(what, stdio);
}

function spawnToEnd({ program, args, timeoutMs, env, endsGroup }: SwiftCall, stdio: Stdio): Promise<Ended> {
  const own = stdio.map((one) => (typeof one === "object" ? "ignore" : one));
  return new Promise((resolve) => {
    let timedOut = false;
    const child = spawn(program, args, {
      stdio: own,
      detached: true,
      ...(env === undefined ? {} : { env: { ...process.env, ...env } }),
    });
    const deadline = setTimeout(() => {
      timedOut = endsGroup && child.pid !== undefined ? killIfThere(-child.pid) : child.kill("SIGKILL");
    }, timeoutMs);
    child.on("error", (error) => {
      clearTimeout(deadline);
      resolve({ ...NEVER_RAN, startError: errnoOf(error) ?? "EIO" });
    });
    child.on("exit", (code, signal) => {
      clearTimeout(deadline);
      resolve({ exitCode: code ?? undefined, signal: signal ?? undefined, timedOut, startError: undefined });
    });
  });
}

const NEVER_RAN = { exitCode: undefined, signal: undefined, timedOut: false } as const;

interface RunningCall {
  readonly deadline: NodeJS.Timeout;
  pid: number | undefined;
  timedOut: boolean;
  readonly end: (how: Partial<Ended>) => void;
}

/** Our end of caller.c. */
class Caller {
  readonly #child: ChildProcess;
  readonly #running = new Map<string, RunningCall>();
  #rest = "";
  #isClosed = false;

  constructor(program: string, onDeath: () => void) {
    this.#child = spawn(program, [], { stdio: ["pipe", "pipe", "ignore"], detached: true });
    const die = () => {
      for (const { deadline } of this.#running.values()) clearTimeout(deadline);
      if (!this.#isClosed) onDeath();
    };
    this.#child.on("error", die).on("exit", die);
    this.#child.stdin?.on("error", () => undefined);
    this.#child.stdout?.setEncoding("latin1").on("data", (text: string) => this.#hear(text));
    this.#keepAwake(false);
  }

  run({ program, args, timeoutMs, env, endsGroup }: SwiftCall, stdio: Stdio): Promise<Ended> {
    callNumber += 1;
    const id = String(callNumber);
    const pairs = Object.entries(env ?? {}).map(([name, value]) => (value === undefined ? name : `${name}=${value}`));
    const words = [id, ...stdio.map(pathOf), String(pairs.length), ...pairs, program, ...args];
    if (words.some((word) => word.includes("\0"))) throw new Error(`${program}: a NUL in an argument`);
    const body = Buffer.from(`${words.join("\0")}\0`);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(body.length);
    this.#keepAwake(true);
    this.#child.stdin?.write(Buffer.concat([length, body]));
    return new Promise((resolve) => {
      const deadline = setTimeout(() => {
        call.timedOut = call.pid !== undefined && killIfThere(endsGroup ? -call.pid : call.pid);
      }, timeoutMs);
      const call: RunningCall = {
        deadline,
        pid: undefined,
        timedOut: false,
        end: (how) => {
          clearTimeout(deadline);
          this.#running.delete(id);
          if (this.#running.size === 0) this.#keepAwake(false);
          resolve({ ...NEVER_RAN, startError: undefined, timedOut: call.timedOut, ...how });
        },
      };
      this.#running.set(id, call);
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  close(): Promise<void> {
    this.#isClosed = true;
    // Killed from outside, by its cgroup perhaps.
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return Promise.resolve();
    this.#keepAwake(true);
    return new Promise((resolve) => {
      this.#child.on("exit", () => resolve());
      this.#child.stdin?.end();
    });
  }

  #hear(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      const [id = "", what, value] = line.split(" ");
      const call = this.#running.get(id);
      const number = Number(value);
      if (what === "pid" && call) call.pid = number;
      else if (what === "exited") call?.end({ exitCode: number });
      else if (what === "killed") call?.end({ signal: signalName(number) });
      else if (what === "failed") call?.end({ startError: getSystemErrorName(-number) });
    }
  }

  /** A call that runs keeps this process; a helper that waits does not. */
  #keepAwake(isBusy: boolean): void {
    for (const one of [this.#child, this.#child.stdin, this.#child.stdout] as (Socket | ChildProcess)[]) {
      if (isBusy) one.ref();
      else one.unref();
    }
  }
}

/** Negative: all in its process group. It may have ended a moment ago, and nobody has told us yet. */
function killIfThere(pid: number): boolean {
  try {
    return process.kill(pid, "SIGKILL");
  } catch (error) {
    if (errnoOf(error) === "ESRCH") return false;
    throw error;
  }
}

/** Ours, for somebody else to open in the same mode (open(2): 0 to read, 1 to write, 2 for both). */
function pathOf(descriptor: Descriptor): string {
  if (typeof descriptor === "object") return `@${descriptor.pid}:${descriptor.fd}`;
  if (descriptor === "ignore") return "2/dev/null";
  const flags = /^flags:\s*[0-7]*([0-7])$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, "latin1"));
  return `${Number(flags?.[1] ?? 2) & 3}/proc/${process.pid}/fd/${descriptor}`;
}

function signalName(number: number): NodeJS.Signals | undefined {
  return (Object.keys(constants.signals) as NodeJS.Signals[]).find((name) => constants.signals[name] === number);
}

let ownName: string | undefined;

/** In memory, and gone with its last descriptor. Its name is there for an instant; a pid would not do, since other pid namespaces have it as well. */
function openNameless(): number {
  callNumber += 1;
  ownName ??= makeUuid();
  const path = `/dev/shm/.peapod-${ownName}-${callNumber}`;
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
