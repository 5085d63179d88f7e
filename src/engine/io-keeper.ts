// The io processes of one pod: one for each container, started with it, started again when it dies early.
// The supervisor keeps a read end of each FIFO open, so that what a dead io had not read yet stays in the pipe.
// An io that ended with 0 saw the end of all writers: nothing is left for another to carry.

import { closeSync, constants, existsSync, openSync } from "node:fs";
import { basename, dirname } from "node:path";
import { attemptLog } from "../base/paths.ts";
import type { Exit } from "../exits/exit.ts";
import type { ExitInbox } from "../exits/inbox.ts";
import { readProcess, signalProcess } from "../host/processes.ts";
import { endKeeper, isIoAlive, readIoPid, readLastIoPid } from "../io/io-process.ts";
import { type ForwardOutput, type IoSource, type LogOutput, startIo } from "../io/start-io.ts";
import { DEFAULT_LOG_LIMITS } from "../plan/log-limits.ts";
import type { OuterContainer } from "../plan/outer.ts";
import type { LogLimits, PlannedContainer } from "../plan/plan.ts";
import type { ContainerIo, IoLife, Writers } from "./container-io.ts";

const END_MS = 2000;
/** A reader who is slower than that, or gone, does not keep a pod from its end. */
const DRAIN_MS = 10_000;

interface RunningIo {
  readonly container: PlannedContainer;
  /** Where in `exits` its end can stand at the earliest. */
  readonly since: number;
}

export class IoKeeper implements ContainerIo {
  readonly #program: string;
  readonly #inbox: ExitInbox;
  readonly #outer: OuterContainer | undefined;
  readonly #control: string | undefined;
  readonly #limits: LogLimits;
  readonly #running = new Map<number, RunningIo>();
  readonly #starting = new Set<{ readonly since: number }>();
  readonly #readEnds = new Map<string, readonly number[]>();

  /** `outer`: whose standard streams get the output, each line with its container's name, instead of a log. */
  constructor(
    program: string,
    inbox: ExitInbox,
    more: { readonly outer?: OuterContainer; readonly control?: string; readonly limits?: LogLimits | undefined } = {},
  ) {
    this.#program = program;
    this.#inbox = inbox;
    this.#outer = more.outer;
    this.#control = more.control;
    this.#limits = more.limits ?? DEFAULT_LOG_LIMITS;
  }

  isAlive(container: PlannedContainer): boolean {
    return isIoAlive(container.paths.ioLock);
  }

  async open(container: PlannedContainer, { attempt, resumed = false }: IoLife): Promise<void> {
    this.#holdReadEnds(container);
    const { paths } = container;
    const since = this.#inbox.end;
    const there = readIoPid(paths.ioLock);
    if (there !== undefined) {
      this.#running.set(there, { container, since });
      return;
    }
    const starting = { since };
    this.#starting.add(starting);
    const { pid } = await startIo({
      program: this.#program,
      output: this.#outputOf(container, attempt),
      lock: paths.ioLock,
      source: sourceOf(container),
      attach: paths.attach,
      ...(this.#control === undefined ? {} : { control: { socket: this.#control, container: container.name } }),
      resumed,
    }).finally(() => this.#starting.delete(starting));
    this.#running.set(pid, { container, since });
    this.#holdReadEnds(container);
  }

  /** After a supervisor's death: takes over the container's io. False where it died early, so that another is needed. */
  recover(container: PlannedContainer): boolean {
    this.#holdReadEnds(container);
    const since = this.#inbox.end;
    const pid = readLastIoPid(container.paths.ioLock);
    if (pid === undefined) return false;
    const found = readProcess(pid);
    const isThere = readIoPid(container.paths.ioLock) === pid;
    // Read after the process was looked for: the reaper writes the line before it lets a zombie go.
    const line = isThere ? undefined : this.#inbox.unclaimed().findLast((one) => one.pid === pid);
    if (line !== undefined) return isGoodEnd(line.exit);
    const isZombie = found?.state === "Z" && found.ppid === process.ppid;
    if (!isThere && !isZombie) return false;
    this.#running.set(pid, { container, since });
    return true;
  }

  /** Ends the io of a container that was never made: it may be about to end by itself, and nothing went through it. */
  async endUnused(container: PlannedContainer): Promise<void> {
    const pid = readIoPid(container.paths.ioLock);
    const startTime = pid === undefined ? undefined : readProcess(pid)?.startTime;
    if (pid !== undefined && startTime !== undefined) {
      signalProcess(pid, startTime, "SIGKILL");
      await this.#inbox.waitForEnd(pid, END_MS);
    }
    endKeeper(container.paths);
  }

  /** Read and write, so that the container gets no SIGPIPE while nobody reads. */
  openWriters(container: PlannedContainer): Writers {
    if (container.stdio?.tty) return openConsole(container.paths.console);
    return {
      // Not to wait here for a writer; whoever opens it for the container waits.
      stdin: container.stdio?.stdin
        ? openSync(container.paths.stdin, constants.O_RDONLY | constants.O_NONBLOCK)
        : "ignore",
      stdout: openSync(container.paths.stdout, constants.O_RDWR),
      stderr: openSync(container.paths.stderr, constants.O_RDWR),
    };
  }

  /** The containers whose io has died early since the last call. */
  takeDead(): PlannedContainer[] {
    const dead: PlannedContainer[] = [];
    for (const [pid, { container, since }] of this.#running) {
      const exit = this.#inbox.claim(pid, since);
      if (exit === undefined) continue;
      this.#running.delete(pid);
      if (!isGoodEnd(exit)) dead.push(container);
    }
    return dead;
  }

  awaited(): { readonly pids: readonly number[]; readonly since: readonly number[] } {
    return { pids: [...this.#running.keys()], since: [...this.#starting].map(({ since }) => since) };
  }

  /** One that died early is followed by another. */
  async drained(container: PlannedContainer): Promise<void> {
    const deadline = Date.now() + DRAIN_MS;
    for (let pid = readIoPid(container.paths.ioLock); pid !== undefined; pid = readIoPid(container.paths.ioLock)) {
      const left = deadline - Date.now();
      if (left <= 0) return;
      await this.#inbox.waitForEnd(pid, left);
    }
  }

  release(container: PlannedContainer): void {
    for (const fd of this.#readEnds.get(container.name) ?? []) closeSync(fd);
    this.#readEnds.delete(container.name);
    endKeeper(container.paths);
  }

  #outputOf({ name, paths }: PlannedContainer, attempt: number): LogOutput | ForwardOutput {
    if (this.#outer === undefined) return { kind: "log", path: attemptLog(paths, attempt), ...this.#limits };
    const { pid } = this.#outer;
    return { kind: "forward", stdout: `/proc/${pid}/fd/1`, stderr: `/proc/${pid}/fd/2`, prefix: `${name} | ` };
  }

  /** The first io makes the FIFOs; before that there is nothing to hold. */
  #holdReadEnds(container: PlannedContainer): void {
    const { stdout, stderr } = container.paths;
    if (this.#readEnds.has(container.name) || !existsSync(stdout) || !existsSync(stderr)) return;
    const flags = constants.O_RDONLY | constants.O_NONBLOCK;
    this.#readEnds.set(container.name, [openSync(stdout, flags), openSync(stderr, flags)]);
  }
}

function sourceOf({ stdio, paths }: PlannedContainer): IoSource {
  const { stdin, stdout, stderr, console, pidFile, ioKeeper } = paths;
  if (stdio?.tty) return { kind: "terminal", console, pidFile, keeper: ioKeeper };
  const input = stdio?.stdin ? { stdin: { path: stdin, once: stdio.stdinOnce, keeper: ioKeeper } } : {};
  return { kind: "fifos", stdout, stderr, ...input };
}

/** By a descriptor of the directory: a socket's path may have 107 bytes only, and the runtime takes no other way. */
function openConsole(path: string): Writers {
  const dir = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  const short = `/proc/${process.pid}/fd/${dir}/${basename(path)}`;
  return { stdin: "ignore", stdout: "ignore", stderr: "ignore", console: { path: short }, consoleDir: dir };
}

function isGoodEnd(exit: Exit): boolean {
  return exit.kind === "exited" && exit.code === 0;
}
