// One container's life: runtime calls on one side, its exit on the other, the journal between them.
// INVARIANTS: calls for one container never overlap; `started` stands in the journal before `exited`, also when the
// process ended before `runtime start` returned; an exit is claimed once.

import { closeSync, existsSync } from "node:fs";
import { join } from "node:path";
import { PeapodError } from "../base/errors.ts";
import { readTextIfAny } from "../base/files.ts";
import { killContainer } from "../host/cgroups/population.ts";
import { pinFromProcess, unpinNamespaces } from "../host/namespaces.ts";
import { readProcess } from "../host/processes.ts";
import type { PlannedContainer } from "../plan/plan.ts";
import type { ContainerState } from "../state/pod-state.ts";
import { type PodContext, pinsFrom } from "./context.ts";
import { judgeExit } from "./out-of-memory.ts";
import { endIo, removeOldLogs, renewRootfs } from "./renew.ts";

/** One of a container's attempts, and how many restarts led to it since it last ran long enough. */
export interface Life {
  readonly attempt: number;
  readonly restarts: number;
}

export class ContainerKeeper {
  readonly planned: PlannedContainer;
  readonly #pod: PodContext;
  /** While set, an exit that is there already waits until `started` has been written. */
  #callInFlight = false;
  #whenExited: (() => void)[] = [];

  constructor(planned: PlannedContainer, pod: PodContext) {
    this.planned = planned;
    this.#pod = pod;
  }

  get state(): ContainerState {
    const state = this.#pod.journal.state.containers.find((one) => one.name === this.planned.name);
    if (state === undefined) throw new PeapodError("BUG", `container ${this.planned.name}: is not in its pod's state`);
    return state;
  }

  get isAlive(): boolean {
    return this.state.status === "created" || this.state.status === "running";
  }

  /** @throws what the runtime says; then no trace of the container is left */
  create(): Promise<void> {
    return this.#make("create", this.state);
  }

  /** Create and start. @throws as create does */
  async run(): Promise<void> {
    await this.#make("run", this.state);
    // After a supervisor's death it may stand half way.
    await this.start();
  }

  /** The next attempt, on a root file system that is new again. @throws as create does, and what mount(8) says */
  async restart(life: Life): Promise<void> {
    if (this.state.status === "exited") await this.delete();
    await endIo(this.#pod, this.planned);
    this.#pod.io.release(this.planned);
    const pins = pinsFrom(this.#pod.plan, this.planned.name);
    await this.#make(pins.length === 0 ? "run" : "create", life);
    const { pid } = this.state;
    if (pid !== undefined && pins.length > 0) {
      await unpinNamespaces(pins.map(({ file }) => file));
      for (const pin of pins) await pinFromProcess(pin, pid);
    }
    await this.start();
  }

  async #make(verb: "create" | "run", { attempt, restarts }: Life): Promise<void> {
    const { status } = this.state;
    if (status !== "planned" && status !== "creating" && status !== "deleted") return;
    const { name, paths } = this.planned;
    const life = attempt === 0 ? {} : { attempt, restarts };
    if (attempt > 0) {
      this.#noteCreating(life);
      await renewRootfs(this.#pod, this.planned);
      removeOldLogs(this.#pod, this.planned, attempt);
      await this.#pod.io.open(this.planned, { attempt });
    }
    if (this.planned.subPaths !== undefined)
      await (await import("./prepare-container.ts")).prepareContainer(this.planned);
    const descriptors = this.#pod.io.openWriters(this.planned);
    this.#callInFlight = true;
    try {
      // It may have been killed since it was opened; nothing went through it yet, so nothing is missing.
      if (!this.#pod.io.isAlive(this.planned)) await this.#pod.io.open(this.planned, { attempt });
      if (attempt === 0) this.#noteCreating(life);
      const { pid } = await this.#pod.runtime[verb]({
        id: name,
        bundle: paths.bundle,
        pidFile: paths.pidFile,
        stdio: [descriptors.stdin, descriptors.stdout, descriptors.stderr],
        ...(descriptors.console === undefined ? {} : { consoleSocket: descriptors.console.path }),
      });
      this.#noteCreated(pid);
      if (verb === "run") this.#pod.journal.append({ type: "container.started", container: name });
      // Or while it was being created. Our writers are open still, so it cannot have ended by itself.
      if (!this.#pod.io.isAlive(this.planned)) await this.#pod.io.open(this.planned, { attempt });
    } catch (error) {
      await this.#pod.runtime.delete(name, { force: true }).catch(() => undefined);
      throw error;
    } finally {
      this.#callInFlight = false;
      for (const one of Object.values(descriptors)) if (typeof one === "number") closeSync(one);
    }
    this.claimExit();
  }

  async start(): Promise<void> {
    if (this.state.status !== "created") return;
    this.#callInFlight = true;
    try {
      await this.#pod.runtime.start(this.planned.name);
      this.#pod.journal.append({ type: "container.started", container: this.planned.name });
    } finally {
      this.#callInFlight = false;
      this.claimExit();
    }
  }

  /** @throws WRONG_STATE when it has ended */
  async signal(signal: string, all = false): Promise<void> {
    if (!this.isAlive) {
      throw new PeapodError(
        "WRONG_STATE",
        `container ${this.planned.name}: is not running, it is ${this.state.status}`,
      );
    }
    // SIGQUIT and QUIT are one; the journal has the short name, as kill(1) lists it.
    const name = signal.replace(/^SIG/, "");
    this.#pod.journal.append({ type: "container.signalled", container: this.planned.name, signal: name });
    await this.#pod.runtime.kill(this.planned.name, signal, { all });
  }

  /** Resolves at once when it has ended, else when its exit has been written to the journal. */
  exited(): Promise<void> {
    if (!this.isAlive) return Promise.resolve();
    return new Promise((resolve) => this.#whenExited.push(resolve));
  }

  /** Takes the exit out of the inbox if it is there; called whenever new exits came. */
  claimExit(): void {
    if (this.#callInFlight || !this.isAlive) return;
    const { pid, exitsOffset } = this.state;
    if (pid === undefined) return;
    const exit = this.#pod.inbox.claim(pid, exitsOffset ?? 0);
    if (exit === undefined) return;
    const { isOutOfMemory, note } = judgeExit(this.#pod, this.planned, exit);
    const reason = isOutOfMemory ? ({ reason: "OOMKilled" } as const) : {};
    this.#pod.journal.append({ type: "container.exited", container: this.planned.name, exit, ...reason });
    note();
    for (const resolve of this.#whenExited.splice(0)) resolve();
    this.#endStrays();
  }

  /** Where its pid namespace is not its own, the kernel does not end with its first process what that has started. */
  #endStrays(): void {
    if (this.planned.role === "pause" || this.planned.namespaces.pid.scope === "private") return;
    killContainer(this.planned, this.#pod.facts).catch((error: unknown) => {
      this.#pod.report(error, `container ${this.planned.name}: what it left running could not be ended`);
    });
  }

  /**
   * SIGKILL to all in its cgroup, and wait for the exit. What is in there is this container's, whatever pid namespace it
   * shares; and it saves a call of the runtime on the way down.
   */
  async kill(): Promise<void> {
    if (!this.isAlive) return;
    this.#pod.journal.append({ type: "container.signalled", container: this.planned.name, signal: "KILL" });
    await killContainer(this.planned, this.#pod.facts, this.state);
    this.claimExit();
    await this.exited();
  }

  async delete(): Promise<void> {
    const { status } = this.state;
    if (status === "deleted" || status === "planned") return;
    // With a shared or the host's pid namespace the kernel does not end the others of this container.
    await killContainer(this.planned, this.#pod.facts);
    await this.#pod.runtime.delete(this.planned.name, { force: status === "creating" });
    if (status !== "creating") this.#pod.journal.append({ type: "container.deleted", container: this.planned.name });
  }

  /** It could not be made or started: told as its end, so that its policy decides what follows. */
  fail(error: PeapodError): void {
    const { status, attempt, restarts } = this.state;
    if (status === "planned") this.#noteCreating(attempt === 0 ? {} : { attempt, restarts });
    this.#pod.journal.append({ type: "container.start-failed", container: this.planned.name, error: error.toJSON() });
  }

  /** What a call that was cut short has left goes; the container is as if nobody had tried. */
  async discard(): Promise<void> {
    await this.#pod.runtime.delete(this.planned.name, { force: true });
    this.#pod.journal.append({ type: "container.deleted", container: this.planned.name });
  }

  /** After a supervisor's death: asks the runtime and the kernel what became of a call that it did not see end. */
  async recover(): Promise<void> {
    if (this.state.status === "creating") {
      const found = await this.#pod.runtime.state(this.planned.name);
      if (found === undefined) return;
      // 0: it was created and has ended since. Whose exit to look for stands in the file that the call wrote.
      const pid = found.pid || Number(readTextIfAny(this.planned.paths.pidFile)?.trim() || 0);
      if (pid > 0) this.#noteCreated(pid);
      else await this.#pod.runtime.delete(this.planned.name, { force: true });
    }
    if (!this.isAlive) return;
    // The runtime's own marker: the file is there until the container's program has been let go.
    const started = !existsSync(join(this.#pod.plan.paths.runtimeRoot, this.planned.name, "exec.fifo"));
    if (this.state.status === "created" && started) {
      this.#pod.journal.append({ type: "container.started", container: this.planned.name });
    }
    this.claimExit();
  }

  #noteCreating(life: Partial<Life>): void {
    const { inbox, journal } = this.#pod;
    journal.append({ type: "container.creating", container: this.planned.name, exitsOffset: inbox.end, ...life });
  }

  #noteCreated(pid: number): void {
    this.#pod.journal.append({
      type: "container.created",
      container: this.planned.name,
      pid,
      // 0: it has ended already, its exit waits in the inbox.
      startTime: readProcess(pid)?.startTime ?? 0,
    });
  }
}
