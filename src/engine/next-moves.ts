// What is to be done next for a pod that is up: from its plan and its state to moves, as data. Looks at no clock and at no
// kernel, so what any supervisor would do after any crash can be found out by asking.

import type { ContainerName } from "../base/names.ts";
import { shellStatus } from "../exits/exit.ts";
import { isRestarted, makeBackOffMs } from "../plan/back-off.ts";
import type { Plan, PlannedContainer } from "../plan/plan.ts";
import { waitsFor } from "../plan/stages.ts";
import { isPast, isThrough } from "../state/conditions.ts";
import type { Fact } from "../state/event.ts";
import { exitStatusOf, finalStatusOf } from "../state/fold.ts";
import type { ContainerState, PodState } from "../state/pod-state.ts";

export type Move =
  /** For the first time, together: `plan.followers[follower]`. */
  | { readonly do: "make"; readonly follower: number; readonly containers: readonly ContainerName[] }
  | {
      readonly do: "restart";
      readonly containers: readonly [ContainerName];
      readonly attempt: number;
      readonly restarts: number;
    }
  /** It was made and never let go. */
  | { readonly do: "start"; readonly containers: readonly [ContainerName] }
  /** preStop, its stop signal, and SIGKILL at `byMs`. */
  | { readonly do: "end"; readonly containers: readonly [ContainerName]; readonly byMs: number }
  /** A call that made it was cut short, and nobody wants it any more. */
  | { readonly do: "discard"; readonly containers: readonly [ContainerName] }
  | { readonly do: "post-start"; readonly containers: readonly [ContainerName] }
  /** Has become true by itself. */
  | { readonly do: "note"; readonly containers: readonly []; readonly fact: Fact };

export interface Decision {
  readonly moves: readonly Move[];
  /** When to look again although nothing has happened; milliseconds since 1970. */
  readonly wakeAtMs: number | undefined;
}

const NOTHING: Decision = { moves: [], wakeAtMs: undefined };

export function decideMoves(plan: Plan, state: PodState, nowMs: number): Decision {
  if (state.exitedAt !== undefined || state.isPaused || state.want === "deleted") return NOTHING;
  if (state.checkpointedAt !== undefined) return NOTHING;
  const downBy = makeDownBy(plan, state);
  if (downBy !== undefined) return decideDown(state, downBy);
  if (state.startedAt === undefined) return NOTHING;
  const expiresAtMs = plan.deadlineMs === undefined ? undefined : Date.parse(state.startedAt) + plan.deadlineMs;
  if (expiresAtMs !== undefined && nowMs >= expiresAtMs) return noting({ type: "pod.expired" });
  return withWake(new Climb(plan, state, nowMs).decide(), expiresAtMs);
}

/** No attempt follows this one. */
export function isFinal(plan: Plan, container: ContainerState): boolean {
  const planned = plan.containers.find(({ name }) => name === container.name);
  if (planned === undefined || container.exit === undefined) return planned === undefined;
  if (container.restartBy !== undefined || container.leaveBy !== undefined) return false;
  return !isRestarted(planned, shellStatus(container.exit));
}

/**
 * By when all have to be gone, where the pod is on its way down; milliseconds since 1970. What begins later may bring that
 * forward, and never puts it off.
 */
export function makeDownBy(plan: Plan, state: PodState): number | undefined {
  const { want, wantedAt = "", graceMs = plan.stopGraceMs, downAt = wantedAt, expiredAt } = state;
  const isWanted = want === "stopped" || want === "restarted";
  const endedMs = makeOwnEnd(plan, state);
  const ends = [
    isWanted ? Date.parse(wantedAt) + graceMs : [],
    expiredAt === undefined ? [] : Date.parse(expiredAt) + plan.stopGraceMs,
    // After it was asked to end it is no end of its own.
    endedMs === undefined || (isWanted && endedMs > Date.parse(downAt)) ? [] : endedMs + plan.stopGraceMs,
  ].flat();
  return ends.length === 0 ? undefined : Math.min(...ends);
}

/** When the last of its workers ended, and none comes again. */
function makeOwnEnd(plan: Plan, state: PodState): number | undefined {
  if (state.startedAt === undefined || exitStatusOf(state) === undefined) return undefined;
  const workers = state.containers.filter(({ role }) => role === "main" || role === "init");
  const ended = workers.filter(({ exit }) => exit !== undefined);
  if (!ended.every((one) => isThrough(one) || isFinal(plan, one))) return undefined;
  return Math.max(...ended.map(({ exit }) => Date.parse(exit?.time ?? "")));
}

/** The main containers first, side by side; then the sidecars, the last one first. */
function decideDown(state: PodState, byMs: number): Decision {
  const isLeft = ({ status }: ContainerState) => status === "created" || status === "running" || status === "creating";
  const workers = state.containers.filter((one) => (one.role === "main" || one.role === "init") && isLeft(one));
  const sidecar = state.containers.findLast((one) => one.role === "sidecar" && isLeft(one));
  const next = workers.length > 0 || sidecar === undefined ? workers : [sidecar];
  if (next.length === 0) return noting({ type: "pod.exited", status: finalStatusOf(state) });
  return {
    moves: next.map(({ name, status, endBy, restartBy, leaveBy }): Move => {
      if (status === "creating") return { do: "discard", containers: [name] };
      return { do: "end", containers: [name], byMs: Math.min(byMs, firstOf(endBy, restartBy, leaveBy)) };
    }),
    wakeAtMs: undefined,
  };
}

/** The way up and the staying there: who is to be made, started again, or waited for. */
class Climb {
  readonly #plan: Plan;
  readonly #state: PodState;
  readonly #nowMs: number;
  readonly #moves: Move[] = [];
  #wakeAtMs: number | undefined;

  constructor(plan: Plan, state: PodState, nowMs: number) {
    this.#plan = plan;
    this.#state = state;
    this.#nowMs = nowMs;
  }

  decide(): Decision {
    const isUp = this.#state.initializedAt !== undefined;
    let isBlocked = false;
    for (const container of this.#state.containers) {
      const { name, role, status } = container;
      if (role === "main" && isBlocked) break;
      if (container.leaveBy !== undefined) {
        this.#seeOff(container, container.leaveBy);
        continue;
      }
      if (status === "planned") {
        if (!isBlocked) this.#make(name);
        isBlocked ||= role !== "main";
        continue;
      }
      // What is past its turn is let be; a sidecar and the first process of what all share are always looked after.
      if (role === "init" && (isUp || isThrough(container))) continue;
      if (role === "init" && isBlocked) break;
      this.#lookAfter(container);
      if (!isUp && (role === "init" || (role === "sidecar" && !container.started))) isBlocked = true;
    }
    if (!isUp && !isBlocked) this.#moves.unshift(noteOf({ type: "pod.initialized" }));
    return { moves: this.#moves, wakeAtMs: this.#wakeAtMs };
  }

  #make(name: ContainerName): void {
    const follower = this.#plan.followers.findIndex(({ containers }) => containers.includes(name));
    const containers = this.#plan.followers[follower]?.containers;
    if (containers === undefined || this.#moves.some((move) => move.do === "make" && move.follower === follower))
      return;
    const planned = this.#plan.containers.find((one) => one.name === name);
    if (planned !== undefined && !this.#areLendersAlive(planned, containers)) return;
    this.#moves.push({ do: "make", follower, containers });
  }

  /** It goes, and what becomes of it when it has ended is not for us to say. */
  #seeOff({ name, status }: ContainerState, leaveBy: string): void {
    if (status === "creating") this.#moves.push({ do: "discard", containers: [name] });
    if (status === "created" || status === "running")
      this.#moves.push({ do: "end", containers: [name], byMs: Date.parse(leaveBy) });
  }

  #lookAfter(container: ContainerState): void {
    const { name, status, endBy, restartBy, exit } = container;
    const planned = this.#plan.containers.find((one) => one.name === name);
    if (planned === undefined) return;
    switch (status) {
      case "created":
        if (this.#areLendersAlive(planned)) this.#moves.push({ do: "start", containers: [name] });
        return;
      case "running":
        if (endBy !== undefined || restartBy !== undefined)
          this.#moves.push({ do: "end", containers: [name], byMs: firstOf(endBy, restartBy) });
        else if (!isPast(container, "postStart")) this.#moves.push({ do: "post-start", containers: [name] });
        return;
      case "creating":
      case "deleted":
        this.#restart(planned, container, status === "deleted" ? 1 : 0);
        return;
      case "exited":
        if (restartBy !== undefined) this.#restart(planned, container, 1);
        else if (exit !== undefined && isRestarted(planned, shellStatus(exit)))
          this.#restartWhenDue(planned, container);
    }
  }

  #restartWhenDue(planned: PlannedContainer, container: ContainerState): void {
    const { backOff } = this.#plan;
    const endedMs = Date.parse(container.exit?.time ?? "");
    const ranMs = endedMs - Date.parse(container.startedAt ?? container.exit?.time ?? "");
    const restarts = ranMs >= backOff.resetMs ? 0 : container.restarts;
    const dueMs = endedMs + makeBackOffMs(backOff, restarts);
    if (this.#nowMs >= dueMs) {
      this.#restart(planned, { ...container, restarts }, 1);
      return;
    }
    const until = new Date(dueMs).toISOString();
    if (container.backOffUntil !== until)
      this.#moves.push(noteOf({ type: "container.backing-off", container: container.name, until }));
    this.#wakeAtMs = Math.min(this.#wakeAtMs ?? dueMs, dueMs);
  }

  /** `by`: 0 for an attempt that was begun and cut short. */
  #restart(planned: PlannedContainer, { attempt, restarts, restartBy }: ContainerState, by: 0 | 1): void {
    if (!this.#areLendersAlive(planned)) return;
    const isAskedFor = restartBy !== undefined && by === 1;
    this.#moves.push({
      do: "restart",
      containers: [planned.name],
      attempt: attempt + by,
      // Whoever asks for it begins anew with the back-off.
      restarts: isAskedFor ? 0 : restarts + by,
    });
  }

  /** Who joins a namespace that lives with another's first process comes after it. */
  #areLendersAlive(planned: PlannedContainer, besides: readonly ContainerName[] = []): boolean {
    const lenders = waitsFor(planned, this.#plan.sandbox.namespaces);
    return this.#state.containers.every(
      ({ name, status }) =>
        !lenders.has(name) || besides.includes(name) || status === "running" || status === "created",
    );
  }
}

function firstOf(...times: (string | undefined)[]): number {
  return Math.min(...times.flatMap((time) => (time === undefined ? [] : [Date.parse(time)])));
}

function noteOf(fact: Fact): Move {
  return { do: "note", containers: [], fact };
}

function noting(fact: Fact): Decision {
  return { moves: [noteOf(fact)], wakeAtMs: undefined };
}

function withWake({ moves, wakeAtMs }: Decision, otherMs: number | undefined): Decision {
  if (otherMs === undefined) return { moves, wakeAtMs };
  return { moves, wakeAtMs: Math.min(wakeAtMs ?? otherMs, otherMs) };
}
