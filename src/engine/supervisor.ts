// Owns one pod. It is a cache: all it knows stands in the pod's directory or in the kernel, so it may be killed at
// any instant and started again. INVARIANTS: what was asked is in the journal before it is worked on; changes run one
// after the other; every exit that the reaper wrote is claimed by its container or known to be nobody's.

import { setTimeout as sleep } from "node:timers/promises";
import { asPeapodError, PeapodError } from "../base/errors.ts";
import type { ContainerName } from "../base/names.ts";
import { announceMoves, freezePod, thawPod } from "../host/cgroups.ts";
import type { PlannedContainer } from "../plan/plan.ts";
import type { ResourceChange } from "../plan/resource-change.ts";
import { makeRunStages } from "../plan/stages.ts";
import type { Want } from "../state/event.ts";
import { exitStatusOf } from "../state/fold.ts";
import type { PodState } from "../state/pod-state.ts";
import { ContainerKeeper } from "./container-keeper.ts";
import type { KeptPod, PodContext } from "./context.ts";
import { Queue } from "./queue.ts";
import { releaseReserve } from "./reserve.ts";
import { executeStage, isStartStep } from "./steps.ts";
import { removePodFiles, takeDownContainers, takeDownSandbox } from "./teardown.ts";
import { readWants, type WantedEvent } from "./wants.ts";

export interface Asked {
  /** Names one asking, so that a caller whose connection broke can ask again without acting twice. */
  readonly request: string;
}

export interface Restarted {
  /** The last supervisor ended of its own will. */
  readonly wasAsleep: boolean;
  /** The caller of the pod's first way up, where he still waits; undefined: he was answered, or is gone. */
  readonly canceled: AbortSignal | undefined;
}

export class Supervisor {
  readonly pod: KeptPod;
  readonly #changes = new Queue();
  readonly #ioRestarts = new Set<Promise<void>>();
  readonly #tellings = new Set<Promise<void>>();
  /** While a stop waits for containers to heed SIGTERM; aborted, it kills at once. */
  #grace: AbortController | undefined;
  #isGoingDown = false;
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
    return this.#changes.length > 0 || this.#ioRestarts.size > 0 || this.#tellings.size > 0;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** The first way up. On any failure, or when `canceled` aborts, nothing is left and the reason is thrown. */
  bringUp(want: "created" | "running", asked: Asked, canceled: AbortSignal, confirm = () => {}): Promise<PodState> {
    return this.#changes.run(async () => {
      await this.#undoOnFailure(async () => {
        this.pod.journal.append({ type: "pod.planned" });
        this.#note(want, asked);
        await this.#climb(want, canceled);
        confirm();
      });
      return this.state;
    });
  }

  start(asked: Asked): Promise<PodState> {
    return this.#change(async () => {
      if (this.#isAskedAgain("running", asked) && this.state.status === "running") return this.state;
      this.#assertStatus(["created"], "start");
      this.#note("running", asked);
      await this.#killOnFailure(() => this.#climb("running"));
      return this.state;
    });
  }

  /** SIGTERM to all, `graceMs` for all together, then SIGKILL. A pod that has ended already is left as it is. */
  stop(asked: Asked & { readonly graceMs?: number | undefined }): Promise<PodState> {
    return this.#change(async () => {
      if (this.state.status === "exited" || this.state.status === "failed") return this.state;
      const graceMs = asked.graceMs ?? this.pod.plan.stopGraceMs;
      this.#note("stopped", asked, { graceMs });
      await this.#stop(graceMs);
      return this.state;
    });
  }

  kill(asked: {
    readonly signal: string;
    readonly container?: string | undefined;
    readonly all?: boolean | undefined;
  }): Promise<PodState> {
    const kill = async () => {
      const alive = this.#main().filter((keeper) => keeper.isAlive);
      const meant = asked.container === undefined ? alive : [this.#named(asked.container)];
      if (meant.length === 0) throw new PeapodError("WRONG_STATE", `pod ${this.pod.plan.pod}: no container is running`);
      await Promise.all(meant.map((keeper) => keeper.signal(asked.signal, asked.all)));
      return this.state;
    };
    // Whoever kills a pod that is being stopped does not want to wait for the rest of its grace.
    return this.#grace === undefined ? this.#change(kill) : kill();
  }

  /** Freezes the pod's cgroup: all its processes at one instant. */
  pause(): Promise<PodState> {
    return this.#change(async () => {
      if (this.state.status === "paused") return this.state;
      this.#assertStatus(["running"], "pause");
      await freezePod(this.pod.plan.sandbox.cgroup, this.pod.facts);
      this.pod.journal.append({ type: "pod.paused" });
      return this.state;
    });
  }

  resume(): Promise<PodState> {
    return this.#change(async () => {
      if (this.state.status === "running") return this.state;
      this.#assertStatus(["paused"], "resume");
      await this.#thaw();
      return this.state;
    });
  }

  /** Changes limits of these containers, or of the pod itself where none is named. @throws NOT_FOUND, WRONG_STATE */
  update({ containers, resources }: { containers: readonly string[]; resources: ResourceChange }): Promise<PodState> {
    return this.#change(async () => {
      this.#assertStatus(["created", "running", "paused"], "update");
      const keepers = containers.map((name) => this.#named(name));
      const ended = keepers.find((keeper) => !keeper.isAlive);
      if (ended !== undefined) this.running(ended.planned.name);
      const { updatePod } = await import("./update-pod.ts");
      await updatePod(this.pod, keepers, resources);
      return this.state;
    });
  }

  /** Takes everything away. Afterwards the supervisor has nothing to do but to end. */
  delete(asked: Asked & { readonly force?: boolean | undefined }): Promise<void> {
    if (asked.force) this.#grace?.abort();
    return this.#changes.run(async () => {
      if (this.#isOver) return;
      const status = this.state.status;
      if (!asked.force && !this.#isAskedAgain("deleted", asked) && (status === "running" || status === "paused")) {
        throw new PeapodError("WRONG_STATE", `pod ${this.pod.plan.pod}: is ${status}`, {
          hint: "stop it first, or delete it with --force",
        });
      }
      releaseReserve(this.pod.plan.paths.dir);
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
  recover({ wasAsleep, canceled }: Restarted): Promise<void> {
    return this.#changes.run(async () => {
      if (this.state.deletedAt !== undefined) return this.#end();
      if (this.state.cursor === 0) this.pod.journal.append({ type: "pod.planned" });
      await Promise.all([...this.pod.containers.values()].map((keeper) => keeper.recover()));
      await Promise.all([...this.pod.containers.values()].map((keeper) => this.#recoverIo(keeper)));
      if (!wasAsleep) await (await import("./update-pod.ts")).finishUpdates(this.pod);
      if (!wasAsleep) this.pod.journal.append({ type: "pod.recovered" });
      // Who was killed between the two could not tell it.
      if (this.state.exitStatus !== undefined) this.#tellResult(this.state.exitStatus);
      await this.#goOn(canceled);
    });
  }

  /** The reaper rang: new lines stand in `exits`. */
  onExits(): void {
    this.pod.inbox.readNew();
    for (const keeper of this.pod.containers.values()) keeper.claimExit();
    for (const container of this.pod.io.takeDead()) this.#onIoDeath(container);
    if (!this.#isOver) this.#notePodExit();
  }

  /** For those who ask for a change: of a pod that went while they waited for their turn there is nothing to change. */
  #change<T>(task: () => Promise<T>): Promise<T> {
    return this.#changes.run(async () => {
      if (this.#isOver) throw new PeapodError("NOT_FOUND", `pod ${this.pod.plan.pod}: was deleted meanwhile`);
      return task();
    });
  }

  /** For a pod that nobody has been told of yet: it came up, or it never was. */
  async #undoOnFailure(climb: () => Promise<void>): Promise<void> {
    try {
      await climb();
    } catch (error) {
      const reason = asPeapodError(error, `pod ${this.pod.plan.pod}`);
      releaseReserve(this.pod.plan.paths.dir);
      if (this.state.error === undefined) this.#tryToNoteFailure(reason);
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
    announceMoves(this.pod.facts);
    try {
      const { stages } = this.pod.plan;
      for (const stage of want === "running" && this.state.createdAt === undefined ? makeRunStages(stages) : stages) {
        if (stage.some(isStartStep)) {
          this.#noteOnce("pod.created", this.state.createdAt);
          if (want === "created") break;
        }
        await executeStage(stage, this.pod);
        if (canceled?.aborted) throw new PeapodError("CANCELED", `pod ${this.pod.plan.pod}: given up by the caller`);
      }
      this.#noteOnce("pod.created", this.state.createdAt);
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
      this.#grace = deadline;
      await Promise.race([
        Promise.all(polite.map((keeper) => keeper.exited())),
        sleep(graceMs, undefined, { signal: deadline.signal }).catch(() => undefined),
      ]);
      this.#grace = undefined;
      deadline.abort();
    }
    await Promise.all(alive.map((keeper) => keeper.kill()));
    await allExited;
    this.#notePodExit();
  }

  async #takeDown(): Promise<void> {
    // The logs go as well: from here on no io is started again, and those that are being started are waited for.
    this.#isGoingDown = true;
    await Promise.all(this.#ioRestarts);
    await takeDownContainers(this.pod);
    await takeDownSandbox(this.pod);
    this.#end();
  }

  #end(): void {
    if (this.state.deletedAt === undefined) this.pod.journal.append({ type: "pod.deleted" });
    this.#isOver = true;
    removePodFiles(this.pod.plan.paths);
    this.#whenOver();
  }

  async #thaw(): Promise<void> {
    await thawPod(this.pod.plan.sandbox.cgroup, this.pod.facts);
    this.pod.journal.append({ type: "pod.resumed" });
  }

  async #goOn(canceled: AbortSignal | undefined): Promise<void> {
    const { want, error } = this.state;
    const wants = readWants(this.pod.plan.paths.journal);
    switch (want) {
      case "created":
      case "running": {
        const isUp = want === "running" ? this.state.startedAt !== undefined : this.state.createdAt !== undefined;
        if (isUp) break;
        // A failure that stands there has not been dealt with to its end: that is all that is left to do.
        const failAgain = () => {
          if (error !== undefined) throw PeapodError.fromJson(error);
        };
        if (wants.length <= 1) {
          await this.#undoOnFailure(async () => {
            failAgain();
            this.#assertAwaited(canceled);
            await this.#climb(want, canceled);
          });
        } else if (this.state.exitedAt === undefined) {
          const climb = async () => {
            failAgain();
            await this.#climb(want);
          };
          await this.#killOnFailure(climb).catch((error: unknown) => this.pod.report(error, "the start failed"));
        }
        break;
      }
      case "stopped":
        await this.#stop(restOfGrace(wants.at(-1)) ?? this.pod.plan.stopGraceMs);
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
    if (status === undefined) return;
    this.pod.journal.append({ type: "pod.exited", status });
    this.#tellResult(status);
  }

  /** A caller's container ends with it, and whoever reads its output then stops: the last words go first. */
  #tellResult(status: number): void {
    if (this.pod.plan.outer === undefined) return;
    const drained = this.#main().map(({ planned }) => this.pod.io.drained(planned));
    const telling = Promise.all(drained)
      .then(() => this.pod.tellResult(status))
      .catch((error: unknown) => this.pod.report(error, "the result could not be told"))
      .finally(() => this.#tellings.delete(telling));
    this.#tellings.add(telling);
  }

  /** A pod that came up for nobody is not wanted: whoever asked for it has been told that it failed. */
  #assertAwaited(canceled: AbortSignal | undefined): void {
    if (canceled !== undefined && !canceled.aborted) return;
    throw new PeapodError("CANCELED", `pod ${this.pod.plan.pod}: given up by the caller`);
  }

  #onIoDeath(container: PlannedContainer): void {
    const status = this.pod.containers.get(container.name)?.state.status;
    // While it is being created the keeper looks after it.
    if (this.#isGoingDown) return;
    if (status !== "created" && status !== "running" && status !== "exited") return;
    const restart = this.#restartIo(container).finally(() => this.#ioRestarts.delete(restart));
    this.#ioRestarts.add(restart);
  }

  async #recoverIo({ planned, state }: ContainerKeeper): Promise<void> {
    if (state.status === "planned" || state.status === "creating") await this.pod.io.endUnused(planned);
    else if (state.status !== "deleted" && !this.pod.io.recover(planned)) await this.#restartIo(planned);
  }

  /** Never rejects: a log that cannot be written is no reason to let go of the pod. */
  async #restartIo(container: PlannedContainer): Promise<void> {
    try {
      await this.pod.io.open(container, true);
      this.pod.journal.append({ type: "container.io-restarted", container: container.name });
    } catch (error) {
      this.pod.report(error, `container ${container.name}: its io could not be started again`);
    }
    // It may have died again before we knew whom to look after.
    if (!this.#isGoingDown) for (const dead of this.pod.io.takeDead()) this.#onIoDeath(dead);
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

/** What is left of the time that a stop was given, counted from when it was asked for. */
function restOfGrace(wanted: WantedEvent | undefined): number | undefined {
  if (wanted?.graceMs === undefined) return undefined;
  return Math.max(0, wanted.graceMs - Math.max(0, Date.now() - Date.parse(wanted.time)));
}
