// A pod's state in the two shapes that this door prints: JSON with every key always there, and words. Pure.

import { PAUSE } from "../../base/names.ts";
import { type Exit, shellStatus } from "../../exits/exit.ts";
import type { ContainerState, EndedAttempt, PodState, PodStatus } from "../../state/pod-state.ts";
import { makeAgo } from "./time-words.ts";

/** What `state` and `list --format json` print of a pod: the keys are documented in docs/cli.md and do not go away. */
export function makePodJson(state: PodState) {
  return {
    pod: state.pod,
    status: state.status,
    ...makeReadyJson(state),
    restartCount: countRestarts(state),
    phase: state.phase,
    reason: state.reason ?? null,
    conditions: state.conditions,
    want: state.want,
    createdAt: state.createdAt ?? null,
    startedAt: state.startedAt ?? null,
    exitedAt: state.exitedAt ?? null,
    restartedAt: state.restartedAt ?? null,
    changedAt: state.changedAt ?? null,
    exitStatus: state.exitStatus ?? null,
    degraded: state.degraded ?? null,
    error: state.error ?? null,
    resources: state.resources ?? null,
    podIP: state.podIP ?? null,
    podIPs: state.podIPs ?? [],
    networks: state.networks ?? [],
    cursor: state.cursor,
    containers: state.containers.map((container) => ({
      name: container.name,
      role: container.role,
      image: container.image ?? null,
      imageId: container.imageId ?? null,
      status: container.status,
      ready: container.ready,
      started: container.started,
      restartCount: container.attempt,
      reason: container.reason ?? null,
      message: container.message ?? null,
      backOffUntil: isWaiting(container, state) ? container.backOffUntil : null,
      pid: container.pid ?? null,
      createdAt: container.createdAt ?? null,
      startedAt: container.startedAt ?? null,
      exit: container.exit ?? null,
      resources: container.resources ?? null,
      logBlocked: container.logBlocked ?? null,
      exitStatus: container.exit === undefined ? null : (shellStatus(container.exit) ?? null),
      lastState: makeLastJson(container.last),
    })),
  };
}

function makeReadyJson(state: PodState): { readonly readyCount: number; readonly readyTotal: number } {
  const serving = servingContainers(state);
  const ready = serving.filter(({ status, ready }) => status === "running" && ready);
  return { readyCount: ready.length, readyTotal: serving.length };
}

/** Those that can be ready: init containers end before anything is. */
function servingContainers({ containers }: PodState): readonly ContainerState[] {
  return containers.filter(({ role }) => role === "main" || role === "sidecar");
}

/** Of init containers only while they are being gone through: afterwards nobody asks how they got there. */
function restartable(state: PodState): readonly ContainerState[] {
  return state.status === "initializing" ? userContainers(state) : servingContainers(state);
}

function countRestarts(state: PodState): number {
  return restartable(state).reduce((sum, { attempt }) => sum + attempt, 0);
}

/** `2/3`, as kubectl has it: containers that are ready, of those that can be. */
export function makeReadyWord(state: PodState): string {
  const { readyCount, readyTotal } = makeReadyJson(state);
  return `${readyCount}/${readyTotal}`;
}

/** `0`, `3 (5 minutes ago)`: how often, and when the last one ended that was started again. */
export function makeRestartWords(state: PodState, now: Date): string {
  const ends = restartable(state).flatMap(({ attempt, last }) => (attempt > 0 && last ? [last.exit.time] : []));
  const ago = ends.length === 0 ? "" : ` (${makeAgo(ends.sort().at(-1), now)})`;
  return `${countRestarts(state)}${ago}`;
}

/** The attempt before the one that is told. */
function makeLastJson(last: EndedAttempt | undefined) {
  if (last === undefined) return null;
  const { startedAt, exit, reason, message } = last;
  return {
    startedAt: startedAt ?? null,
    exit,
    exitStatus: shellStatus(exit) ?? null,
    reason,
    message: message ?? null,
  };
}

/** In which somebody is started again, now or once it goes on. */
const LIVELY: readonly PodStatus[] = ["initializing", "running", "paused", "checkpointed"];

/** It has ended and is to be started again when its back-off is over. */
function isWaiting({ status, backOffUntil }: ContainerState, pod: PodState): boolean {
  return status === "exited" && backOffUntil !== undefined && LIVELY.includes(pod.status);
}

/** `running, not ready`, `exited with 1, OOMKilled; again in 10 s`. */
export function makeContainerWords(container: ContainerState, pod: PodState, now: Date): string {
  const { status, exit, reason, role, ready, backOffUntil } = container;
  if (exit !== undefined) {
    const odd = reason === "OOMKilled" || reason === "StartError" ? `, ${reason}` : "";
    const again = isWaiting(container, pod) ? `; again in ${makeSeconds(backOffUntil, now)} s` : "";
    return `${makeExitWords(exit)}${odd}${again}`;
  }
  const isUnready = status === "running" && !ready && (role === "main" || role === "sidecar");
  return isUnready ? `${status}, not ready` : status;
}

function makeSeconds(until: string | undefined, now: Date): number {
  return Math.max(0, Math.ceil((Date.parse(until ?? "") - now.getTime()) / 1000));
}

/** Containers that the user asked for: without the first process of a shared pid namespace. */
export function userContainers(state: PodState): readonly ContainerState[] {
  return state.containers.filter((container) => container.name !== PAUSE);
}

export function makePodStatusWord(state: PodState): string {
  const result = state.status === "exited" ? ` (${state.exitStatus ?? "lost"})` : "";
  return `${state.status}${result}${state.degraded === undefined ? "" : ", degraded"}`;
}

/** `exited with 7`, `killed by signal 9`, `ended, nobody saw how`. */
export function makeExitWords(exit: Exit): string {
  switch (exit.kind) {
    case "exited":
      return `exited with ${exit.code}`;
    case "killed":
      return `killed by signal ${exit.signal}`;
    case "lost":
      return "ended, nobody saw how";
  }
}
