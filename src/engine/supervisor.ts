// Owns one pod. It is a cache: all it knows stands in the pod's directory or in the kernel, so it may be killed at
// any instant and started again. INVARIANTS: what was asked is in the journal before it is worked on; changes run one
// after the other; every exit that the reaper wrote is claimed by its container or known to be nobody's. Here is what is asked of
// it; the way up is climb.ts, the way back after a death recovery.ts, what lives beside the containers caretaker.ts.

import { PeapodError } from "../base/errors.ts";
import type { ContainerName } from "../base/names.ts";
import { LONGEST_TIMER_MS } from "../base/timer.ts";
import { makeUuid } from "../base/unique.ts";
import { freezePod, thawPod } from "../host/cgroups/cgroups.ts";
import type { WrittenManifest } from "../manifest/read-written.ts";
import type { ResourceChange } from "../plan/resource-change.ts";
import type { Want } from "../state/event.ts";
import type { PodState } from "../state/pod-state.ts";
import { assertHasCgroup } from "./assert-cgroup.ts";
import { Caretaker } from "./caretaker.ts";
import type { CheckpointAsked } from "./checkpoint/checkpoint-pod.ts";
import type { RestoreAsked } from "./checkpoint/restore-pod.ts";
import { climb, killOnFailure, undoOnFailure } from "./climb.ts";
import { Conductor } from "./conductor.ts";
import { ContainerKeeper } from "./container-keeper.ts";
import { type KeptPod, membersOf, type PodContext } from "./context.ts";
import { makeDownBy } from "./next-moves.ts";
import { meaningOf } from "./outer/caller-signals.ts";
import { Prober } from "./probes/prober.ts";
import { Queue } from "./queue.ts";
import type { Abilities } from "./recovery.ts";
import { releaseReserve } from "./reserve.ts";
import { removePodFiles, takeDownContainers, takeDownSandbox } from "./teardown.ts";
import { Upkeep } from "./upkeep.ts";

export interface Asked {
  /** Names one asking, so that a caller whose connection broke can ask again without acting twice. */
  readonly request: string;
}

export interface Restarted {
  /** The last supervisor ended of its own will. */
  readonly wasAsleep: boolean;
  /** The caller of the pod's first way up, where he still waits; undefined: he was answered, or is gone. */
  readonly canceled: AbortSignal | undefined;
  /** No call of the last supervisor's runs any more. */
  readonly orphansGone: Promise<void>;
}

export class Supervisor {
  readonly pod: KeptPod;
  readonly #changes = new Queue();
  readonly #conductor: Conductor;
  readonly #prober: Prober;
  readonly #upkeep: Upkeep;
  readonly #caretaker: Caretaker;
  /** Somebody waits for containers to end, and whoever has less patience need not wait for him. */
  #isStopping = false;
  /** What they wait for is the turn of an update. */
  #isFinishing = false;
  #isOver = false;
  #whenOver: () => void = () => undefined;
  /** Resolves when the pod has been deleted and nothing of it is left but its processes above it. */
  readonly over: Promise<void>;

  constructor(context: PodContext) {
    const containers = new Map<ContainerName, ContainerKeeper>();
    for (const planned of context.plan.containers) containers.set(planned.name, new ContainerKeeper(planned, context));
    this.pod = { ...context, containers };
    this.#conductor = new Conductor(this.pod);
    this.#prober = new Prober(this.pod);
    this.#upkeep = new Upkeep(this.pod);
    this.#caretaker = new Caretaker(this.pod);
    this.over = new Promise((resolve) => {
      this.#whenOver = resolve;
    });
  }

  get state(): PodState {
    return this.pod.journal.state;
  }

  get isBusy(): boolean {
    if (this.#changes.length > 0 || this.#caretaker.isBusy) return true;
    return this.#conductor.isBusy || this.#prober.isBusy || this.pod.uplink?.isBusy === true;
  }

  /** When there is something to do although nothing happens; milliseconds since 1970. */
  get wakeAtMs(): number | undefined {
    const { wakeAtMs } = this.#conductor;
    const other = this.#prober.wakeAtMs;
    return wakeAtMs === undefined || other === undefined ? (wakeAtMs ?? other) : Math.min(wakeAtMs, other);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  #notePlanned(): void {
    const { podIPs } = this.pod.plan.sandbox;
    this.pod.journal.append({ type: "pod.planned", ...(podIPs === undefined ? {} : { podIPs }) });
  }

  /** The first way up. On any failure, or when `canceled` aborts, nothing is left and the reason is thrown. */
  bringUp(want: "created" | "running", asked: Asked, canceled: AbortSignal, confirm = () => {}): Promise<PodState> {
    return this.#changes.run(async () => {
      await this.#undoOnFailure(async () => {
        this.#notePlanned();
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
      await killOnFailure(this.pod, () => this.#climb("running"));
      return this.state;
    });
  }

  /**
   * In order: the main containers, then the sidecars; `graceMs` for all together, then SIGKILL. A pod that has ended
   * already is left as it is. Of several who ask at once the most hasty one is heard.
   */
  async stop(asked: Asked & { readonly graceMs?: number | undefined }): Promise<PodState> {
    const graceMs = asked.graceMs ?? this.pod.plan.stopGraceMs;
    this.#hasten("stopped", graceMs);
    return this.#change(async () => {
      if (this.state.status === "exited" || this.state.status === "failed") return this.state;
      // It was done, and others have asked for something since.
      if (this.#isAskedAgain("stopped", asked) && this.state.want !== "stopped") return this.state;
      this.#assertThere("stop");
      this.#note("stopped", asked, { graceMs });
      await this.#stop();
      return this.state;
    });
  }

  /**
   * While others wait for containers to end: nobody comes back of whom they wait for, and none has more time than this. Whoever
   * asked has his own turn all the same.
   */
  #hasten(wanted: "stopped" | "restarted", graceMs: number): void {
    if (!this.#isStopping || this.#isOver) return;
    if (this.#isFinishing) {
      setTimeout(() => this.#isFinishing && this.#conductor.hurry(), Math.min(graceMs, LONGEST_TIMER_MS));
      return;
    }
    const { want, exitedAt } = this.state;
    if (exitedAt !== undefined || want === "deleted" || (wanted === "restarted" && want !== "restarted")) return;
    const leftMs = (makeDownBy(this.pod.plan, this.state) ?? Number.POSITIVE_INFINITY) - Date.now();
    if (want === wanted && graceMs >= leftMs) return;
    this.#note(wanted, { request: makeUuid() }, { graceMs: Math.max(0, Math.min(graceMs, leftMs)) });
  }

  /**
   * In order down as `stop` has it, and up again from the first init container on, also where it has ended by itself. With
   * `containers` these alone, while the others run on.
   * @throws NOT_FOUND, WRONG_STATE, RUNTIME_FAILED
   */
  async restart(
    asked: Asked & { readonly containers?: readonly string[] | undefined; readonly graceMs?: number | undefined },
  ): Promise<PodState> {
    const graceMs = asked.graceMs ?? this.pod.plan.stopGraceMs;
    if (asked.containers === undefined) this.#hasten("restarted", graceMs);
    return this.#change(async () => {
      if (asked.containers !== undefined) {
        const keepers = asked.containers.map((name) => this.#named(name));
        this.#assertStatus(["initializing", "running"], "restart containers");
        const { restartContainers } = await import("./restart.ts");
        await this.#killable(() => restartContainers(this.pod, keepers, { request: asked.request, graceMs }));
        return this.state;
      }
      if (this.#isAskedAgain("restarted", asked) || this.#isAskedAgain("running", asked)) {
        this.#assertNotStopped();
        return this.state;
      }
      this.#assertThere("restart");
      if (this.state.status === "created") {
        this.#note("running", asked);
        await killOnFailure(this.pod, () => this.#climb("running"));
      } else {
        this.#note("restarted", asked, { graceMs });
        await this.#restart();
        this.#assertNotStopped();
      }
      return this.state;
    });
  }

  /**
   * Becomes what another manifest says, while those run on whom it does not concern.
   * @throws BAD_MANIFEST, NOT_SUPPORTED, RUNTIME_FAILED, WRONG_STATE
   */
  change(asked: Asked & { readonly manifest: WrittenManifest }): Promise<PodState> {
    return this.#change(async () => {
      const { beginChange, untilChanged } = await import("./changes/change-members.ts");
      if (!this.pod.journal.hasRequest("changed", asked.request)) {
        this.#assertStatus(["running"], "update");
        if (this.pod.plan.outer !== undefined) {
          throw new PeapodError("NOT_SUPPORTED", `pod ${this.pod.plan.pod}: lives in a container of somebody else's`, {
            hint: "whoever made that container can make another one",
          });
        }
        // An earlier one that failed on its way comes first.
        if (this.state.changing === undefined && !(await beginChange(this.pod, asked))) return this.state;
      }
      // This supervisor ends with it. The same is asked of the next one, whose part is what follows.
      if (this.state.changing !== undefined) await this.#killable(() => this.#finishChange());
      await untilChanged(this.pod, asked.request);
      return this.state;
    });
  }

  #holdStill(): Promise<unknown> {
    return Promise.all([this.#conductor.hold(), this.#prober.hold()]);
  }

  kill(asked: {
    readonly signal: string;
    readonly container?: string | undefined;
    readonly all?: boolean | undefined;
  }): Promise<PodState> {
    const meaning =
      this.pod.plan.outer === undefined || asked.container !== undefined ? "signal" : meaningOf(asked.signal);
    if (meaning === "kill" || (meaning === "stop" && this.state.want !== "stopped"))
      return this.#stopForCaller(asked.signal, meaning === "kill" ? 0 : LONGEST_TIMER_MS);
    const kill = async () => {
      const alive = membersOf(this.pod).filter((keeper) => keeper.isAlive);
      const meant = asked.container === undefined ? alive : [this.#named(asked.container)];
      if (meant.length === 0) throw new PeapodError("WRONG_STATE", `pod ${this.pod.plan.pod}: no container is running`);
      await Promise.all(meant.map((keeper) => keeper.signal(asked.signal, asked.all)));
      return this.state;
    };
    // Whoever kills a pod that is being stopped does not want to wait for the rest of its grace.
    return this.#isStopping ? kill() : this.#change(kill);
  }

  /**
   * What stops a container that somebody else made stops the pod in it, in order, and nobody comes back. How long it may
   * take is for its caller to say, by SIGKILL. Does not wait for the end.
   */
  #stopForCaller(signal: string, graceMs: number): Promise<PodState> {
    const stop = async () => {
      if (this.state.exitedAt !== undefined) return this.state;
      if (this.state.status === "paused") await this.#thaw();
      this.#note("stopped", { request: makeUuid() }, { graceMs, ...(graceMs === 0 ? {} : { signal }) });
      if (graceMs === 0) this.#conductor.hurry();
      this.#isStopping = true;
      this.#conductor.begin();
      return this.state;
    };
    return this.#isStopping ? stop() : this.#change(stop);
  }

  /** Freezes the pod's cgroup: all its processes at one instant. */
  async pause(): Promise<PodState> {
    // It need not wait for the end to be told so.
    if (this.state.status === "stopping") this.#assertStatus(["running"], "pause");
    return this.#change(async () => {
      if (this.state.status === "paused") return this.state;
      this.#assertStatus(["running", "initializing"], "pause");
      assertHasCgroup(this.pod.plan, "paused");
      try {
        await this.#holdStill();
        await freezePod(this.pod.plan.sandbox.cgroup, this.pod.facts);
        this.pod.journal.append({ type: "pod.paused" });
      } catch (error) {
        this.#beginAgain();
        throw error;
      }
      return this.state;
    });
  }

  /**
   * Puts all processes on disk as they are at one instant, and ends them; restore takes them up again.
   * @throws NOT_SUPPORTED, HOST_LACKS, WRONG_STATE, RUNTIME_FAILED; then the pod goes on as before
   */
  checkpoint(asked: CheckpointAsked): Promise<PodState> {
    return this.#change(async () => {
      if (this.pod.journal.hasRequest("checkpointed", asked.request)) return this.state;
      this.#assertStatus(["running"], "checkpoint");
      const { checkpointPod } = await import("./checkpoint/checkpoint-pod.ts");
      try {
        await checkpointPod(this.pod, asked, () => this.#holdStill());
      } finally {
        this.#beginAgain();
      }
      return this.state;
    });
  }

  /** @throws HOST_LACKS, STATE_DAMAGED, WRONG_STATE, RUNTIME_FAILED; then the pod stays checkpointed */
  restore(asked: RestoreAsked): Promise<PodState> {
    return this.#change(async () => {
      if (this.pod.journal.hasRequest("restored", asked.request)) return this.state;
      this.#assertStatus(["checkpointed"], "restore");
      const { restorePod } = await import("./checkpoint/restore-pod.ts");
      await restorePod(this.pod, asked);
      this.#beginAgain();
      return this.state;
    });
  }

  #beginAgain(): void {
    this.onExits();
    this.#conductor.begin();
    this.#prober.begin();
  }

  resume(): Promise<PodState> {
    return this.#change(async () => {
      if (this.state.status === "running" || this.state.status === "initializing") return this.state;
      this.#assertStatus(["paused"], "resume");
      await this.#thaw();
      this.#conductor.begin();
      this.#prober.begin();
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
      const { updatePod } = await import("./changes/update-pod.ts");
      await updatePod(this.pod, keepers, resources);
      return this.state;
    });
  }

  /** Takes everything away. Afterwards the supervisor has nothing to do but to end. */
  delete(asked: Asked & { readonly force?: boolean | undefined }): Promise<void> {
    if (asked.force) this.#conductor.hurry();
    return this.#changes.run(async () => {
      if (this.#isOver) return;
      const { status } = this.state;
      const isUp = status === "running" || status === "initializing" || status === "paused";
      if (!asked.force && !this.#isAskedAgain("deleted", asked) && isUp) {
        throw new PeapodError("WRONG_STATE", `pod ${this.pod.plan.pod}: is ${status}`, {
          hint: "stop it first, or delete it with --force",
        });
      }
      releaseReserve(this.pod.plan.paths.dir);
      this.#note("deleted", asked, { force: asked.force ?? false });
      await this.#takeDown(!asked.force);
    });
  }

  /** @throws NOT_FOUND, WRONG_STATE */
  running(name: string): ContainerKeeper {
    const keeper = this.#named(name);
    if (keeper.state.status === "running") return keeper;
    throw new PeapodError("WRONG_STATE", `container ${name}: is not running, it is ${keeper.state.status}`);
  }

  /** The state once the pod has ended; undefined where the asker went away first. */
  whenExited(gone: AbortSignal): Promise<PodState | undefined> {
    return this.#whenEnded(gone, () => this.state.exitedAt !== undefined && this.state.want !== "restarted");
  }

  async #whenEnded(gone: AbortSignal, hasEnded: () => boolean): Promise<PodState | undefined> {
    await this.pod.journal.until(() => hasEnded() || this.state.deletedAt !== undefined, gone);
    return gone.aborted && !hasEnded() ? undefined : this.state;
  }

  /** After a start that was not the first: takes note of what happened meanwhile, then goes on with what was wanted. */
  recover({ wasAsleep, canceled, orphansGone }: Restarted): Promise<void> {
    return this.#changes.run(async () => {
      await orphansGone;
      if (this.state.deletedAt !== undefined) return this.#end();
      if (this.state.cursor === 0) this.#notePlanned();
      const { catchUp, goOn } = await import("./recovery.ts");
      await catchUp(this.pod, this.#caretaker, wasAsleep);
      await goOn(this.#abilities(), canceled);
      if (this.state.want !== "deleted") this.onExits();
    });
  }

  /** The reaper rang: new lines stand in `exits`. */
  onExits(): void {
    this.pod.inbox.readNew();
    for (const keeper of this.pod.containers.values()) keeper.claimExit();
    this.#caretaker.look();
    this.#upkeep.look();
  }

  /** For those who ask for a change: of a pod that went while they waited for their turn there is nothing to change. */
  #change<T>(task: () => Promise<T>): Promise<T> {
    return this.#changes.run(async () => {
      if (this.#isOver) throw new PeapodError("NOT_FOUND", `pod ${this.pod.plan.pod}: was deleted meanwhile`);
      return task();
    });
  }

  async #climb(want: "created" | "running", canceled?: AbortSignal): Promise<void> {
    await climb(this.pod, want, canceled);
    // The conductor begins after it: `started` comes before `exited`, however short the lives are.
    this.onExits();
    this.#conductor.begin();
    this.#prober.begin();
  }

  #undoOnFailure(goUp: () => Promise<void>): Promise<void> {
    return undoOnFailure(this.pod, goUp, () => this.#takeDown());
  }

  async #stop(): Promise<void> {
    if (this.state.status === "paused") await this.#thaw();
    await this.#killable(() => {
      const exited = this.#whenEnded(new AbortController().signal, () => this.state.exitedAt !== undefined);
      this.#conductor.begin();
      return exited;
    });
  }

  /** While it waits for a grace to be over, whoever has not the patience may kill. */
  async #killable(wait: () => Promise<unknown>): Promise<void> {
    this.#isStopping = true;
    await wait().finally(() => {
      this.#isStopping = false;
    });
  }

  /** Each part may have been done before a supervisor's death. Whoever asks for a stop meanwhile is heard: it stays down. */
  async #restart(): Promise<void> {
    if (this.state.exitedAt === undefined) await this.#stop();
    if (this.state.want === "stopped") return;
    await this.#holdStill();
    await (await import("./restart.ts")).clearContainers(this.pod);
    this.pod.journal.append({ type: "pod.restarted" });
    await killOnFailure(this.pod, () => this.#climb("running"));
  }

  async #takeDown(isStrict = false): Promise<void> {
    // The logs go as well.
    await Promise.all([this.#caretaker.halt(), this.#conductor.halt(), this.#prober.hold()]);
    await takeDownContainers(this.pod, isStrict);
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

  /** And this supervisor with it: it returns by an error alone; then all go on, and it may be tried again. */
  async #finishChange(): Promise<void> {
    const { finishChange } = await import("./changes/change-members.ts");
    this.#isFinishing = true;
    await finishChange(this.pod, () => this.#holdStill()).catch((error: unknown) => {
      this.#isFinishing = false;
      this.#beginAgain();
      throw error;
    });
  }

  /** What is done on the way back as it is for those who ask. */
  #abilities(): Abilities {
    return {
      pod: this.pod,
      climb: (want, canceled) => this.#climb(want, canceled),
      undoOnFailure: (goUp) => this.#undoOnFailure(goUp),
      takeOver: () => {
        this.#conductor.begin();
        this.#prober.takeOver(Date.now());
      },
      finishChange: () =>
        this.#finishChange().catch((error: unknown) => this.pod.report(error, "the change of members failed")),
      stop: () => this.#stop(),
      restart: () => this.#restart(),
      takeDown: (isStrict) => this.#takeDown(isStrict),
    };
  }

  #named(name: string): ContainerKeeper {
    const found = membersOf(this.pod).find((keeper) => keeper.planned.name === name);
    if (found) return found;
    const names = membersOf(this.pod).map((keeper) => keeper.planned.name);
    throw new PeapodError("NOT_FOUND", `pod ${this.pod.plan.pod}: has no container ${name}`, {
      hint: `it has ${names.join(", ")}`,
    });
  }

  #note(want: Want, asked: Asked, more: { graceMs?: number; force?: boolean; signal?: string } = {}): void {
    if (this.#isAskedAgain(want, asked)) return;
    this.pod.journal.append({ type: "pod.wanted", want, request: asked.request, ...more });
  }

  #isAskedAgain(want: Want, asked: Asked): boolean {
    return this.pod.journal.hasRequest(want, asked.request);
  }

  /** For those who asked that it come up again. */
  #assertNotStopped(): void {
    if (this.state.want !== "stopped") return;
    throw new PeapodError("WRONG_STATE", `pod ${this.pod.plan.pod}: was stopped meanwhile`);
  }

  #assertThere(verb: string): void {
    if (this.state.checkpointedAt === undefined) return;
    throw new PeapodError("WRONG_STATE", `pod ${this.pod.plan.pod}: cannot ${verb}, it is checkpointed`, {
      hint: "restore it first, or delete it",
    });
  }

  #assertStatus(allowed: readonly PodState["status"][], verb: string): void {
    if (allowed.includes(this.state.status)) return;
    throw new PeapodError("WRONG_STATE", `pod ${this.pod.plan.pod}: cannot ${verb}, it is ${this.state.status}`);
  }
}
