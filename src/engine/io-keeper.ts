// The io processes of one pod: one for each container, started with it, started again when it dies early.
// The supervisor keeps a read end of each FIFO open, so that what a dead io had not read yet stays in the pipe.

import { closeSync, constants, openSync } from "node:fs";
import { attemptLog } from "../base/paths.ts";
import { isIoAlive, readIoPid } from "../io/io-process.ts";
import { startIo } from "../io/start-io.ts";
import type { PlannedContainer } from "../plan/plan.ts";

export interface Writers {
  readonly stdout: number;
  readonly stderr: number;
}

export class IoKeeper {
  readonly #program: string;
  readonly #pids = new Map<number, PlannedContainer>();
  readonly #readEnds = new Map<string, readonly number[]>();

  constructor(program: string) {
    this.#program = program;
  }

  /** Starts the container's io unless it runs. `resumed`: one was there before and died. */
  async open(container: PlannedContainer, resumed: boolean): Promise<void> {
    this.#holdReadEnds(container);
    const { paths } = container;
    if (isIoAlive(paths.ioLock)) {
      const pid = readIoPid(paths.ioLock);
      if (pid !== undefined) this.#pids.set(pid, container);
      return;
    }
    const { pid } = await startIo({
      program: this.#program,
      log: attemptLog(paths, 0),
      lock: paths.ioLock,
      stdout: paths.stdout,
      stderr: paths.stderr,
      attach: paths.attach,
      resumed,
    });
    this.#pids.set(pid, container);
  }

  /** Read and write, so that the container gets no SIGPIPE while nobody reads. */
  openWriters(container: PlannedContainer): Writers {
    return {
      stdout: openSync(container.paths.stdout, constants.O_RDWR),
      stderr: openSync(container.paths.stderr, constants.O_RDWR),
    };
  }

  /** The containers whose io has died since, by the pids that the reaper reaped. */
  takeDead(pids: readonly number[]): PlannedContainer[] {
    const dead: PlannedContainer[] = [];
    for (const pid of pids) {
      const container = this.#pids.get(pid);
      if (container === undefined) continue;
      this.#pids.delete(pid);
      dead.push(container);
    }
    return dead;
  }

  get runningPids(): readonly number[] {
    return [...this.#pids.keys()];
  }

  release(container: PlannedContainer): void {
    for (const fd of this.#readEnds.get(container.name) ?? []) closeSync(fd);
    this.#readEnds.delete(container.name);
  }

  #holdReadEnds(container: PlannedContainer): void {
    if (this.#readEnds.has(container.name)) return;
    const flags = constants.O_RDONLY | constants.O_NONBLOCK;
    const { stdout, stderr } = container.paths;
    this.#readEnds.set(container.name, [openSync(stdout, flags), openSync(stderr, flags)]);
  }
}
