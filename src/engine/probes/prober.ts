// Runs the probes of a pod's containers when they are due, and writes down what follows from them; what is done about it
// is the conductor's. Counts live here alone: a supervisor that is killed begins to count anew, as a kubelet does.

import { setTimeout as sleep } from "node:timers/promises";
import type { ContainerName } from "../../base/names.ts";
import type { Probe, ProbeKind } from "../../manifest/probe.ts";
import { isPast } from "../../state/conditions.ts";
import type { Fact } from "../../state/event.ts";
import type { ContainerState } from "../../state/pod-state.ts";
import type { ContainerKeeper } from "../container-keeper.ts";
import type { KeptPod } from "../context.ts";
import type { Outcome } from "../handlers/handler.ts";
import { Rounds } from "../rounds.ts";
import { runProbe } from "./attend.ts";
import { beginTally, chooseProbes, nextRunAt, type ProbeTally, type Verdict, weighResult } from "./probe-schedule.ts";

/** A supervisor that is called for a probe comes a little after it was due. */
const LATE_MS = 2000;
const RETRY_MS = 1000;

interface Track {
  readonly attempt: number;
  tally: ProbeTally;
  /** The last run's end, or since when it is our turn to run it; undefined: at its first instant. */
  afterMs: number | undefined;
  running: Promise<void> | undefined;
}

export class Prober {
  readonly #pod: KeptPod;
  readonly #tracks = new Map<string, Track>();
  /** Aborted and made anew with each hold. */
  #calledOff = new AbortController();
  readonly #rounds: Rounds;
  /** Of a supervisor that found the pod running. */
  #tookOverMs: number | undefined;

  constructor(pod: KeptPod) {
    this.#pod = pod;
    this.#rounds = new Rounds(pod.journal, (now) => this.#look(now));
  }

  /** A probe runs, or what it counts would be forgotten. */
  get isBusy(): boolean {
    if (this.#rounds.isScheduled) return true;
    return [...this.#tracks.values()].some(
      ({ running, tally }) => running !== undefined || (tally.last !== undefined && tally.last !== tally.stands),
    );
  }

  get wakeAtMs(): number | undefined {
    return this.#rounds.wakeAtMs;
  }

  begin(): void {
    if (![...this.#pod.containers.values()].some(({ planned }) => planned.probes !== undefined)) return;
    this.#rounds.begin();
  }

  /** As begin, where a supervisor before this one has probed already. */
  takeOver(nowMs: number): void {
    this.#tookOverMs = nowMs - LATE_MS;
    this.begin();
  }

  /** Nothing runs any more when this resolves. What ran is called off and tells nothing: it could take minutes. */
  async hold(): Promise<void> {
    this.#rounds.hold();
    this.#calledOff.abort();
    this.#calledOff = new AbortController();
    await Promise.all([...this.#tracks.values()].map(({ running }) => running));
  }

  /** Not while the pod comes to its end, where a probe that fails says nothing new. */
  get #isProbed(): boolean {
    const { want, isPaused, checkpointedAt, expiredAt, exitedAt } = this.#pod.journal.state;
    return [checkpointedAt, expiredAt, exitedAt].every((at) => at === undefined) && want === "running" && !isPaused;
  }

  #look(now: number): number | undefined {
    if (!this.#isProbed) return undefined;
    const dues = [...this.#pod.containers.values()].flatMap((keeper) => this.#lookAt(keeper, now));
    return dues.length === 0 ? undefined : Math.min(...dues);
  }

  /** Begins what is due; returns when the rest is. */
  #lookAt(keeper: ContainerKeeper, now: number): number[] {
    const { probes } = keeper.planned;
    const { state } = keeper;
    if (probes === undefined || state.status !== "running" || state.endBy !== undefined) return [];
    // A program that is still being prepared is asked nothing.
    if (!isPast(state, "postStart")) return [];
    return chooseProbes(probes, isPast(state, "startup")).flatMap((kind) => {
      const probe = probes[kind] as Probe;
      const track = this.#trackOf(state, kind, now);
      if (track.running !== undefined) return [];
      const dueMs = nextRunAt(probe, Date.parse(state.startedAt ?? ""), track.afterMs);
      if (dueMs > now) return [dueMs];
      track.running = this.#run(keeper, kind, probe, track).finally(() => {
        track.running = undefined;
        track.afterMs = Date.now();
        this.#rounds.schedule();
      });
      return [];
    });
  }

  #trackOf({ name, attempt, passed }: ContainerState, kind: ProbeKind, now: number): Track {
    const key = keyOf(name, kind);
    const known = this.#tracks.get(key);
    if (known?.attempt === attempt) return known;
    const tally = beginTally(kind);
    // What a supervisor before us found out still stands.
    const isKnown = kind === "readiness" && passed.includes("readiness");
    const made: Track = {
      attempt,
      tally: isKnown ? { ...tally, stands: "success" } : tally,
      afterMs: this.#tookOverMs !== undefined && now - this.#tookOverMs < 2 * LATE_MS ? this.#tookOverMs : undefined,
      running: undefined,
    };
    this.#tracks.set(key, made);
    return made;
  }

  async #run(keeper: ContainerKeeper, kind: ProbeKind, probe: Probe, track: Track): Promise<void> {
    const calledOff = this.#calledOff.signal;
    try {
      const outcome = await runProbe(this.#pod, keeper, kind, calledOff);
      const { status, attempt, endBy } = keeper.state;
      const isLate = status !== "running" || attempt !== track.attempt || endBy !== undefined;
      if (isLate || !this.#isProbed || calledOff.aborted) return;
      const { tally, verdict } = weighResult(kind, probe, track.tally, outcome.ok);
      track.tally = tally;
      const fact =
        verdict === undefined
          ? this.#stillUnready(keeper, kind, tally, outcome)
          : this.#factOf(keeper, verdict, probe, outcome);
      if (fact !== undefined) this.#pod.journal.append(fact);
    } catch (error) {
      this.#pod.report(error, `container ${keeper.planned.name}: its ${kind} probe could not be told`);
      await sleep(RETRY_MS);
    }
  }

  #factOf({ planned }: ContainerKeeper, verdict: Verdict, probe: Probe, { message }: Outcome): Fact {
    const container = planned.name;
    switch (verdict) {
      case "started":
        return { type: "container.startup-passed", container };
      case "ready":
        return { type: "container.ready", container };
      case "unready":
        return { type: "container.unready", container, message };
      case "unhealthy":
      case "startup-failed": {
        const graceMs = (probe.terminationGracePeriodSeconds ?? this.#pod.plan.stopGraceMs / 1000) * 1000;
        const endBy = new Date(Date.now() + graceMs).toISOString();
        const cause = verdict === "unhealthy" ? "liveness" : "startup";
        return { type: "container.unhealthy", container, cause, message, endBy };
      }
    }
  }

  /** Who has never been ready shall say why, too. */
  #stillUnready(
    { planned, state }: ContainerKeeper,
    kind: ProbeKind,
    tally: ProbeTally,
    { ok, message }: Outcome,
  ): Fact | undefined {
    const isNews = kind === "readiness" && !ok && tally.stands === "failure" && state.message === undefined;
    const isEnough = tally.inARow >= (planned.probes?.readiness?.failureThreshold ?? 1);
    return isNews && isEnough ? { type: "container.unready", container: planned.name, message } : undefined;
  }
}

function keyOf(name: ContainerName, kind: ProbeKind): string {
  return `${name} ${kind}`;
}
