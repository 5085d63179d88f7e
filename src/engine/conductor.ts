// Keeps a pod that is up what its plan says: after each event it asks what is to be done, and has it done, each container
// for itself. INVARIANTS: of one container at most one thing is done at a time; nothing is remembered here that the
// journal does not hold, so a supervisor that is killed in the middle is followed by one that goes on.

import { setTimeout as sleep } from "node:timers/promises";
import { asPeapodError } from "../base/errors.ts";
import type { ContainerName } from "../base/names.ts";
import type { HookKind } from "../manifest/probe.ts";
import { makeRunStages } from "../plan/stages.ts";
import type { ContainerKeeper } from "./container-keeper.ts";
import type { KeptPod } from "./context.ts";
import { decideMoves, type Move } from "./next-moves.ts";
import { Patience } from "./patience.ts";
import { Rounds } from "./rounds.ts";
import { executeStep, isStepOf } from "./steps.ts";

/** What failed for a reason of the machine's (a full disk) is tried again after this. */
const RETRY_MS = 1000;
/** And after twice that, and so on, where all containers wait for it. */
const LONGEST_RETRY_MS = 60_000;

type Work = Exclude<Move, { do: "note" }>;

interface Task {
  readonly done: Promise<void>;
  /** The container is to be gone by then, milliseconds since 1970. Absent: it waits for no container, and is soon done. */
  readonly hasten?: (byMs: number) => void;
}

function makeHasten(move: Work, patience: Patience): Pick<Task, "hasten"> {
  if (move.do === "end") return { hasten: (byMs) => patience.shorten(byMs) };
  // Its container is to have its own signal and time.
  return move.do === "post-start" ? { hasten: () => patience.shorten(0) } : {};
}

function isMaking(move: Move): boolean {
  return move.do === "make" || move.do === "restart";
}

export class Conductor {
  readonly #pod: KeptPod;
  readonly #tasks = new Map<ContainerName, Task>();
  /** Aborted, no container is given time any more. */
  #hurry = new AbortController();
  /** Aborted once nothing is to be begun any more, and no hook to be waited for. */
  readonly #halted = new AbortController();
  /** Nobody is made before; set while what an update has left to be made cannot be. */
  #unprepared: { readonly message: string; readonly pauseMs: number; readonly untilMs: number } | undefined;
  readonly #rounds: Rounds;

  constructor(pod: KeptPod) {
    this.#pod = pod;
    this.#rounds = new Rounds(pod.journal, (now) => this.#look(now));
  }

  /** Something is being done. */
  get isBusy(): boolean {
    return this.#tasks.size > 0 || this.#rounds.isScheduled || this.#unprepared !== undefined;
  }

  /** When it has to look again although nothing has happened; milliseconds since 1970. */
  get wakeAtMs(): number | undefined {
    return this.#rounds.wakeAtMs;
  }

  begin(): void {
    this.#rounds.begin();
  }

  /** Whoever is being ended has no time left. */
  hurry(): void {
    this.#hurry.abort();
    this.#hurry = new AbortController();
  }

  /** Begins nothing new, and resolves when all that was begun is done, or is waiting for a container's end. */
  async hold(): Promise<void> {
    this.#rounds.hold();
    await Promise.all([...this.#tasks.values()].map(({ done, hasten }) => (hasten === undefined ? done : undefined)));
  }

  /** As hold, and neither those that are being ended nor their hooks get any more time. */
  async halt(): Promise<void> {
    this.#rounds.hold();
    this.#halted.abort();
    this.#hurry.abort();
    await Promise.all([...this.#tasks.values()].map(({ done }) => done));
  }

  #look(now: number): number | undefined {
    const { moves, wakeAtMs } = decideMoves(this.#pod.plan, this.#pod.journal.state, now);
    if (!moves.some(isMaking)) this.#unprepared = undefined;
    const pausedUntilMs = this.#unprepared?.untilMs ?? 0;
    for (const move of moves) {
      if (pausedUntilMs > now && isMaking(move)) continue;
      const running = move.containers.flatMap((name) => this.#tasks.get(name) ?? []);
      if (move.do === "end") for (const { hasten } of running) hasten?.(move.byMs);
      if (running.length > 0) continue;
      if (move.do === "note") this.#note(move);
      else this.#begin(move);
    }
    return pausedUntilMs > now ? Math.min(wakeAtMs ?? pausedUntilMs, pausedUntilMs) : wakeAtMs;
  }

  #note({ fact }: Extract<Move, { do: "note" }>): void {
    // What ends the pod waits for those who are at work on it.
    if (fact.type === "pod.exited" && this.#tasks.size > 0) return;
    try {
      this.#pod.journal.append(fact);
    } catch (error) {
      this.#pod.report(error, `${fact.type} could not be written`);
      setTimeout(() => this.#rounds.schedule(), RETRY_MS);
    }
  }

  #begin(move: Work): void {
    const patience = new Patience(move.do === "end" ? move.byMs : Number.POSITIVE_INFINITY);
    const done = this.#perform(move, patience)
      .catch((error: unknown) => this.#onFailure(move, error))
      .finally(() => {
        patience.end();
        for (const name of move.containers) this.#tasks.delete(name);
        this.#rounds.schedule();
      });
    const task = { done, ...makeHasten(move, patience) };
    for (const name of move.containers) this.#tasks.set(name, task);
  }

  async #perform(move: Work, patience: Patience): Promise<void> {
    const [keeper] = move.containers.map((name) => this.#keeper(name));
    if (keeper === undefined) return;
    if (isMaking(move) && !(await this.#prepare())) return;
    switch (move.do) {
      case "make":
        return this.#make(move.follower);
      case "restart":
        return keeper.restart(move);
      case "start":
        return keeper.start();
      case "discard":
        return keeper.discard();
      case "post-start":
        return this.#postStart(keeper, patience);
      case "end":
        return this.#end(keeper, patience);
    }
  }

  /** What an update could not make at its turn is made before anybody is made of it. False: not yet. */
  async #prepare(): Promise<boolean> {
    if (this.#pod.journal.change === undefined) return true;
    try {
      await (await import("./changes/change-members.ts")).prepareChanged(this.#pod);
      this.#unprepared = undefined;
      return true;
    } catch (error) {
      const { message } = asPeapodError(error, `pod ${this.#pod.plan.pod}`);
      if (message !== this.#unprepared?.message) this.#pod.report(error, "nobody is made before this can be");
      const pauseMs = Math.min((this.#unprepared?.pauseMs ?? RETRY_MS / 2) * 2, LONGEST_RETRY_MS);
      this.#unprepared = { message, pauseMs, untilMs: Date.now() + pauseMs };
      return false;
    }
  }

  /** The containers of one stage are made side by side; one that cannot be made does not keep the others from it. */
  async #make(follower: number): Promise<void> {
    const planned = this.#pod.plan.followers[follower];
    if (planned === undefined) return;
    const failed = new Set<ContainerName>();
    for (const stage of makeRunStages(planned.stages)) {
      const steps = stage.filter((step) => ![...failed].some((name) => isStepOf(step, name)));
      await Promise.all(
        steps.map((step) =>
          executeStep(step, this.#pod).catch(async (error: unknown) => {
            const name = planned.containers.find((one) => isStepOf(step, one));
            if (name === undefined) throw error;
            failed.add(name);
            await this.#fail(name, error);
          }),
        ),
      );
    }
  }

  async #onFailure(move: Work, error: unknown): Promise<void> {
    try {
      for (const name of move.containers) await this.#fail(name, error);
    } catch (worse) {
      this.#pod.report(worse, `${move.do} of ${move.containers.join(", ")} failed, and could not be told`);
      await sleep(RETRY_MS, undefined, { signal: this.#hurry.signal }).catch(() => undefined);
    }
  }

  /** Told as the container's end. Where that would not be true, it is only reported, and tried again after a while. */
  async #fail(name: ContainerName, error: unknown): Promise<void> {
    const keeper = this.#keeper(name);
    const { status } = keeper.state;
    if (status === "planned" || status === "creating") return keeper.fail(asPeapodError(error, `container ${name}`));
    this.#pod.report(error, `container ${name}: what was begun with it failed`);
    if (status === "created") return keeper.kill();
    await sleep(RETRY_MS, undefined, { signal: this.#hurry.signal }).catch(() => undefined);
  }

  async #postStart(keeper: ContainerKeeper, patience: Patience): Promise<void> {
    const { name } = keeper.planned;
    const gone = new AbortController();
    void keeper.exited().then(() => gone.abort());
    const calledOff = AbortSignal.any([this.#halted.signal, patience.cutShort]);
    const signal = AbortSignal.any([gone.signal, calledOff]);
    const { ok, message } = await this.#runHook(keeper, "postStart", undefined, signal);
    if (keeper.state.status !== "running") return;
    if (ok) this.#pod.journal.append({ type: "container.post-started", container: name });
    else if (!calledOff.aborted) {
      const endBy = new Date(Date.now() + this.#pod.plan.stopGraceMs).toISOString();
      this.#pod.journal.append({ type: "container.unhealthy", container: name, cause: "postStart", message, endBy });
    }
  }

  /** preStop and the signal have one budget; who lives when it is used up is killed. */
  async #end(keeper: ContainerKeeper, patience: Patience): Promise<void> {
    const hurry = this.#hurry.signal;
    // A container that was created but never started has a runtime's init that heeds only SIGKILL.
    if (keeper.state.status !== "running" || patience.leftMs === 0 || hurry.aborted) return keeper.kill();
    const over = new AbortController();
    const gone = keeper.exited().then(() => over.abort());
    const signal = AbortSignal.any([hurry, over.signal, patience.cutShort]);
    if (keeper.planned.hooks?.preStop !== undefined) {
      const { ok, message } = await this.#runHook(keeper, "preStop", patience.leftMs, signal);
      if (!ok && keeper.state.status === "running")
        this.#pod.journal.append({ type: "container.pre-stop-failed", container: keeper.planned.name, message });
    }
    // A hook that used up the budget leaves nothing for a signal that nobody would wait for.
    if (keeper.isAlive && patience.leftMs > 0) await keeper.signal(this.#stopSignalOf(keeper)).catch(() => undefined);
    await Promise.race([gone, sleep(patience.leftMs, undefined, { signal }).catch(() => undefined)]);
    over.abort();
    await keeper.kill();
  }

  #stopSignalOf({ planned }: ContainerKeeper): string {
    return planned.stopSignal ?? this.#pod.journal.state.stopSignal ?? "TERM";
  }

  async #runHook(keeper: ContainerKeeper, hook: HookKind, timeoutMs: number | undefined, signal: AbortSignal) {
    const { runHook } = await import("./probes/attend.ts");
    return runHook(this.#pod, keeper, hook, timeoutMs, signal);
  }

  #keeper(name: ContainerName): ContainerKeeper {
    const keeper = this.#pod.containers.get(name);
    if (keeper === undefined) throw new Error(`no keeper for container ${name}`);
    return keeper;
  }
}
