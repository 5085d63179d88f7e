// Owns one pod. It is a cache: all it knows stands in the pod's directory or in the kernel, so it may be killed at
// any instant and started again. INVARIANTS: what was asked is in the journal before it is worked on; changes run one
// after the other; every exit that the reaper wrote is claimed by its container or known to be nobody's.

import { setTimeout as sleep } from "node:timers/promises";
import { asPeapodError, PeapodError } from "../base/errors.ts";
import type { ContainerName } from "../base/names.ts";
import { freezePod, thawPod } from "../host/cgroups.ts";
import type { PlannedContainer } from "../plan/plan.ts";
import type { Want } from "../state/event.ts";
import { exitStatusOf } from "../state/fold.ts";
import type { PodState } from "../state/pod-state.ts";
import { ContainerKeeper } from "./container-keeper.ts";
import type { KeptPod, PodContext } from "./context.ts";
import { Queue } from "./queue.ts";
import { executeStage, isStartStep } from "./steps.ts";
import { endIo, removePodFiles, takeDownContainers, takeDownSandbox } from "./teardown.ts";

export interface Asked {
  /** Names one asking, so that a caller whose connection broke can ask again without acting twice. */
  readonly request: string;
}

export class Supervisor {
  readonly pod: KeptPod;
  readonly #changes = new Queue();
  #isClimbing = false;
  #isOver = false;
  #whenOver: () => void = () => undefined;
  /** Resolves when the pod has been deleted and nothing of it is left but its processes above it. */
  readonly over: Promise<void>;

  constructor(context: PodContext) {
    const containers = new Map<ContainerName, ContainerKeeper>();
    for (const planned of context.plan.containers) containers.set(planned.name, new ContainerKeeper(planned, context));
    this.pod = { ...context, containers };
    this.over = new Promise((resolve) => {
      this.#whenOver = resolve;
    });
  }

  get state(): PodState {
    return this.pod.journal.state;
  }

  get isBusy(): boolean {
    return this.#changes.length > 0;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** The first way up. On any failure, or when `canceled` aborts, nothing is left and the reason is thrown. */
  bringUp(want: "created" | "running", asked: Asked, canceled: AbortSignal): Promise<PodState> {
    return this.#changes.run(async () => {
      await this.#undoOnFailure(async () => {
        this.pod.journal.append({ type: "pod.planned" });
        this.#note(want, asked);
        await this.#climb(want, canceled);
      });
      return this.state;
    });
  }

  start(asked: Asked): Promise<PodState> {
    return this.#changes.run(async () => {
      if (this.#isAskedAgain("running", asked) && this.state.status === "running") return this.state;
      this.#assertStatus(["created"], "start");
      this.#note("running", asked);
      await this.#killOnFailure(() => this.#climb("running"));
      return this.state;
    });
  }

  /** SIGTERM to all, `graceMs` for all together, then SIGKILL. A pod that has ended already is left as it is. */
  stop(asked: Asked & { readonly graceMs?: number | undefined }): Promise<PodState> {
    return this.#changes.run(async () => {
      if (this.state.status === "exited" || this.state.status === "failed") return this.state;
      const graceMs = asked.graceMs ?? this.pod.plan.stopGraceMs;
      this.#note("stopped", asked, { graceMs });
      await this.#stop(graceMs);
      return this.state;
    });
  }

  kill(asked: { readonly signal: string; readonly container?: string | undefined }): Promise<PodState> {
    return this.#changes.run(async () => {
      const alive = this.#main().filter((keeper) => keeper.isAlive);
      const meant = asked.container === undefined ? alive : [this.#named(asked.container)];
      if (meant.length === 0) throw new PeapodError("WRONG_STATE", `pod ${this.pod.plan.pod}: no container is running`);
      await Promise.all(meant.map((keeper) => keeper.signal(asked.signal)));
      return this.state;
    });
  }

  /** Freezes the pod's cgroup: all its processes at one instant. */
  pause(): Promise<PodState> {
    return this.#changes.run(async () => {
      if (this.state.status === "paused") return this.state;
      this.#assertStatus(["running"], "pause");
      await freezePod(this.pod.plan.sandbox.cgroup, this.pod.facts);
      this.pod.journal.append({ type: "pod.paused" });
      return this.state;
    });
  }

  resume(): Promise<PodState> {
    return this.#changes.run(async () => {
      if (this.state.status === "running") return this.state;
      this.#assertStatus(["paused"], "resume");
      await this.#thaw();
      return this.state;
    });
  }

  /** Takes everything away. Afterwards the supervisor has nothing to do but to end. */
  delete(asked: Asked & { readonly force?: boolean | undefined }): Promise<void> {
    return this.#changes.run(async () => {
      if (this.#isOver) return;
      const status = this.state.status;
      if (!asked.force && !this.#isAskedAgain("deleted", asked) && (status === "running" || status === "paused")) {
        throw new PeapodError("WRONG_STATE", `pod ${this.pod.plan.pod}: is ${status}`, {
          hint: "stop it first, or delete it with --force",
        });
      }
      this.#note("deleted", asked, { force: asked.force ?? false });
      await this.#takeDown();
    });
  }

  /** @throws NOT_FOUND, WRONG_STATE */
  running(name: string): ContainerKeeper {
    const keeper = this.#named(name);
    if (keeper.state.status === "running") return keeper;
    throw new PeapodError("WRONG_STATE", `container ${name}: is not running, it is ${keeper.state.status}`);
  }

  /** The state once all containers have ended; undefined where the asker went away first. */
  whenExited(gone: AbortSignal): Promise<PodState | undefined> {
    if (this.state.exitedAt !== undefined) return Promise.resolve(this.state);
    return new Promise((resolve) => {
      const stop = this.pod.journal.onEvent((event) => {
        if (event.type !== "pod.exited" && event.type !== "pod.deleted") return;
        stop();
        resolve(this.state);
      });
      gone.addEventListener("abort", () => {
        stop();
        resolve(undefined);
      });
    });
  }

  /** After a start that was not the first: takes note of what happened meanwhile, then goes on with what was wanted. */
  recover(wasAsleep: boolean): Promise<void> {
    return this.#changes.run(async () => {
      await Promise.all([...this.pod.containers.values()].map((keeper) => keeper.recover()));
      for (const keeper of this.pod.containers.values()) {
        if (keeper.isAlive || keeper.state.status === "exited") await this.#reopenIo(keeper.planned, keeper.isAlive);
      }
      if (!wasAsleep) this.pod.journal.append({ type: "pod.recovered" });
      await this.#goOn();
    });
  }

  /** The reaper rang: new lines stand in `exits`. */
  onExits(): void {
    const pids = this.pod.inbox.readNew().map((line) => line.pid);
    for (const keeper of this.pod.containers.values()) keeper.claimExit();
    for (const container of this.pod.io.takeDead(pids)) void this.#onIoDeath(container);
    if (!this.#isOver) this.#notePodExit();
  }

  /** For a pod that nobody has been told of yet: it came up, or it never was. */
  async #undoOnFailure(climb: () => Promise<void>): Promise<void> {
    try {
      await climb();
    } catch (error) {
      const reason = asPeapodError(error, `pod ${this.pod.plan.pod}`);
      this.#tryToNoteFailure(reason);
      await this.#takeDown().catch((leftOver: unknown) => this.pod.report(leftOver, "the undo failed"));
      throw reason;
    }
  }

  /** For a pod that its owner knows: it stays to be looked at, but nothing of it runs. */
  async #killOnFailure(climb: () => Promise<void>): Promise<void> {
    try {
      await climb();
    } catch (error) {
      const reason = asPeapodError(error, `pod ${this.pod.plan.pod}`);
      this.#tryToNoteFailure(reason);
      await Promise.all([...this.pod.containers.values()].map((keeper) => keeper.kill()));
      this.#notePodExit();
      throw reason;
    }
  }

  async #climb(want: "created" | "running", canceled?: AbortSignal): Promise<void> {
    // While it climbs, the pod's end is not told: `started` comes before `exited`, however short the lives are.
    this.#isClimbing = true;
    try {
      for (const stage of this.pod.plan.stages) {
        if (stage.some(isStartStep)) {
          this.#noteOnce("pod.created", this.state.createdAt);
          if (want === "created") break;
        }
        await executeStage(stage, this.pod);
        if (canceled?.aborted) throw new PeapodError("CANCELED", `pod ${this.pod.plan.pod}: given up by the caller`);
      }
      if (want === "running") this.#noteOnce("pod.started", this.state.startedAt);
    } finally {
      this.#isClimbing = false;
    }
    this.onExits();
  }

  #noteOnce(type: "pod.created" | "pod.started", since: string | undefined): void {
    if (since === undefined) this.pod.journal.append({ type });
  }

  async #stop(graceMs: number): Promise<void> {
    if (this.state.status === "paused") await this.#thaw();
    const alive = this.#main().filter((keeper) => keeper.isAlive);
    const allExited = Promise.all(alive.map((keeper) => keeper.exited()));
    // A container that was created but never started has a runtime's init that heeds only SIGKILL.
    const polite = alive.filter((keeper) => keeper.state.status === "running");
    if (graceMs > 0 && polite.length > 0) {
      await Promise.all(polite.map((keeper) => keeper.signal("TERM").catch(() => undefined)));
      const deadline = new AbortController();
      await Promise.race([
        Promise.all(polite.map((keeper) => keeper.exited())),
        sleep(graceMs, undefined, { signal: deadline.signal }).catch(() => undefined),
      ]);
      deadline.abort();
    }
    await Promise.all(alive.map((keeper) => keeper.kill()));
    await allExited;
    this.#notePodExit();
  }

  async #takeDown(): Promise<void> {
    await takeDownContainers(this.pod);
    await endIo(this.pod);
    await takeDownSandbox(this.pod);
    this.pod.journal.append({ type: "pod.deleted" });
    this.#isOver = true;
    removePodFiles(this.pod.plan.paths);
    this.#whenOver();
  }

  async #thaw(): Promise<void> {
    await thawPod(this.pod.plan.sandbox.cgroup, this.pod.facts);
    this.pod.journal.append({ type: "pod.resumed" });
  }

  async #goOn(): Promise<void> {
    const { want, status } = this.state;
    switch (want) {
      case "created":
      case "running":
        if (this.state.createdAt === undefined) await this.#undoOnFailure(() => this.#climb(want));
        else if (want === "running" && status === "created") await this.#killOnFailure(() => this.#climb(want));
        break;
      case "stopped":
        await this.#stop(this.pod.plan.stopGraceMs);
        break;
      case "deleted":
        await this.#takeDown();
        return;
    }
    this.onExits();
  }

  /** All main containers ended: the pod has its result. The first process of its pid namespace has no more to hold. */
  #notePodExit(): void {
    if (this.#isClimbing || this.state.exitedAt !== undefined || this.state.createdAt === undefined) return;
    const status = exitStatusOf(this.state);
    if (status !== undefined) this.pod.journal.append({ type: "pod.exited", status });
  }

  async #onIoDeath(container: PlannedContainer): Promise<void> {
    const keeper = this.pod.containers.get(container.name);
    if (keeper?.isAlive) await this.#reopenIo(container, true);
  }

  async #reopenIo(container: PlannedContainer, isAlive: boolean): Promise<void> {
    const wasThere = this.pod.io.runningPids.length;
    await this.pod.io.open(container, true);
    if (isAlive && this.pod.io.runningPids.length > wasThere) {
      this.pod.journal.append({ type: "container.io-restarted", container: container.name });
    }
  }

  #main(): ContainerKeeper[] {
    return [...this.pod.containers.values()].filter((keeper) => keeper.planned.role === "main");
  }

  #named(name: string): ContainerKeeper {
    const found = this.#main().find((keeper) => keeper.planned.name === name);
    if (found) return found;
    const names = this.#main().map((keeper) => keeper.planned.name);
    throw new PeapodError("NOT_FOUND", `pod ${this.pod.plan.pod}: has no container ${name}`, {
      hint: `it has ${names.join(", ")}`,
    });
  }

  #note(want: Want, asked: Asked, more: { graceMs?: number; force?: boolean } = {}): void {
    if (this.#isAskedAgain(want, asked)) return;
    this.pod.journal.append({ type: "pod.wanted", want, request: asked.request, ...more });
  }

  #isAskedAgain(want: Want, asked: Asked): boolean {
    return this.pod.journal.hasRequest(want, asked.request);
  }

  #tryToNoteFailure(reason: PeapodError): void {
    try {
      this.pod.journal.append({ type: "pod.failed", error: reason.toJSON() });
    } catch {
      // A full disk may be the very failure; the caller hears of it all the same.
    }
  }

  #assertStatus(allowed: readonly PodState["status"][], verb: string): void {
    if (allowed.includes(this.state.status)) return;
    throw new PeapodError("WRONG_STATE", `pod ${this.pod.plan.pod}: cannot ${verb}, it is ${this.state.status}`);
  }
}
