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
import { Rounds } from "./rounds.ts";
import { executeStep, isStepOf } from "./steps.ts";

/** What failed for a reason of the machine's (a full disk) is tried again after this. */
const RETRY_MS = 1000;
/** And after twice that, and so on, where all containers wait for it. */
const LONGEST_RETRY_MS = 60_000;

function isMaking(move: Move): boolean {
  return move.do === "make" || move.do === "restart";
}

export class Conductor {
  readonly #pod: KeptPod;
  readonly #tasks = new Map<ContainerName, Promise<void>>();
  /** Those of them that do not wait for a container's end or hook. */
  readonly #making = new Set<Promise<void>>();
  /** Aborted, no container is given time any more. */
  #patience = new AbortController();
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
    this.#patience.abort();
    this.#patience = new AbortController();
  }

  /** Begins nothing new, and resolves when all that was begun is done, or is waiting for a container's end. */
  async hold(): Promise<void> {
    this.#rounds.hold();
    await Promise.all(this.#making);
  }

  /** As hold, and those that are being ended get no more time. */
  async halt(): Promise<void> {
    this.#rounds.hold();
    this.#patience.abort();
    await Promise.all(this.#tasks.values());
  }

  #look(now: number): number | undefined {
    const { moves, wakeAtMs } = decideMoves(this.#pod.plan, this.#pod.journal.state, now);
    if (!moves.some(isMaking)) this.#unprepared = undefined;
    const pausedUntilMs = this.#unprepared?.untilMs ?? 0;
    for (const move of moves) {
      if (pausedUntilMs > now && isMaking(move)) continue;
      if (move.containers.some((name) => this.#tasks.has(name))) continue;
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

  #begin(move: Exclude<Move, { do: "note" }>): void {
    const task = this.#perform(move)
      .catch((error: unknown) => this.#onFailure(move, error))
      .finally(() => {
        for (const name of move.containers) this.#tasks.delete(name);
        this.#making.delete(task);
        this.#rounds.schedule();
      });
    for (const name of move.containers) this.#tasks.set(name, task);
    if (move.do !== "end" && move.do !== "post-start") this.#making.add(task);
  }

  async #perform(move: Exclude<Move, { do: "note" }>): Promise<void> {
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
        return this.#postStart(keeper);
      case "end":
        return this.#end(keeper, move.byMs);
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

  async #onFailure(move: Exclude<Move, { do: "note" }>, error: unknown): Promise<void> {
    try {
      for (const name of move.containers) await this.#fail(name, error);
    } catch (worse) {
      this.#pod.report(worse, `${move.do} of ${move.containers.join(", ")} failed, and could not be told`);
      await sleep(RETRY_MS, undefined, { signal: this.#patience.signal }).catch(() => undefined);
    }
  }

  /** Told as the container's end. Where that would not be true, it is only reported, and tried again after a while. */
  async #fail(name: ContainerName, error: unknown): Promise<void> {
    const keeper = this.#keeper(name);
    const { status } = keeper.state;
    if (status === "planned" || status === "creating") return keeper.fail(asPeapodError(error, `container ${name}`));
    this.#pod.report(error, `container ${name}: what was begun with it failed`);
    if (status === "created") return keeper.kill();
    await sleep(RETRY_MS, undefined, { signal: this.#patience.signal }).catch(() => undefined);
  }

  async #postStart(keeper: ContainerKeeper): Promise<void> {
    const { name } = keeper.planned;
    const gone = new AbortController();
    void keeper.exited().then(() => gone.abort());
    const { ok, message } = await this.#runHook(keeper, "postStart", undefined, gone.signal);
    if (keeper.state.status !== "running") return;
    if (ok) this.#pod.journal.append({ type: "container.post-started", container: name });
    else {
      const endBy = new Date(Date.now() + this.#pod.plan.stopGraceMs).toISOString();
      this.#pod.journal.append({ type: "container.unhealthy", container: name, cause: "postStart", message, endBy });
    }
  }

  /** preStop and the signal have one budget; who lives when it is used up is killed. */
  async #end(keeper: ContainerKeeper, byMs: number): Promise<void> {
    const hurry = this.#patience.signal;
    const leftMs = () => Math.max(0, byMs - Date.now());
    // A container that was created but never started has a runtime's init that heeds only SIGKILL.
    if (keeper.state.status !== "running" || leftMs() === 0 || hurry.aborted) return keeper.kill();
    const over = new AbortController();
    const gone = keeper.exited().then(() => over.abort());
    const signal = AbortSignal.any([hurry, over.signal]);
    if (keeper.planned.hooks?.preStop !== undefined) {
      const { ok, message } = await this.#runHook(keeper, "preStop", leftMs(), signal);
      if (!ok && keeper.state.status === "running")
        this.#pod.journal.append({ type: "container.pre-stop-failed", container: keeper.planned.name, message });
    }
    // A hook that used up the budget leaves nothing for a signal that nobody would wait for.
    if (keeper.isAlive && leftMs() > 0) await keeper.signal(this.#stopSignalOf(keeper)).catch(() => undefined);
    await Promise.race([gone, sleep(leftMs(), undefined, { signal }).catch(() => undefined)]);
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
