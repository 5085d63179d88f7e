// Events in, state out. Pure and total: whoever may write an event is decided in transitions.ts, not here, so that a
// reader of a damaged journal still sees as much as there is.

import type { ContainerName, PodName } from "../base/names.ts";
import { shellStatus } from "../exits/exit.ts";
import type { ContainerFact, Event } from "./event.ts";
import type { ContainerState, PodState, PodStatus } from "./pod-state.ts";
import { CONTAINER_MOVES, isContainerFact, isPause } from "./transitions.ts";

/** Nobody saw how it ended: not a success, and no code that the program could be held to. */
const LOST_STATUS = 255;

export function makePlannedState(pod: PodName, containers: readonly ContainerName[]): PodState {
  return {
    pod,
    status: "creating",
    want: "created",
    createdAt: undefined,
    startedAt: undefined,
    exitedAt: undefined,
    deletedAt: undefined,
    isPaused: false,
    exitStatus: undefined,
    degraded: undefined,
    error: undefined,
    containers: containers.map(makePlannedContainer),
    cursor: 0,
  };
}

/** `containers` in manifest order: the order decides whose exit code the pod ends with. */
export function foldEvents(pod: PodName, containers: readonly ContainerName[], events: Iterable<Event>): PodState {
  let state = makePlannedState(pod, containers);
  for (const event of events) state = applyEvent(state, event);
  return state;
}

export function applyEvent(state: PodState, event: Event): PodState {
  const { status } = state;
  const next: PodState = { ...applyFact(state, event), cursor: event.seq };
  // A failure is told until somebody asks for something new.
  const isFailed = event.type === "pod.failed" || (status === "failed" && event.type !== "pod.wanted");
  return { ...next, status: deriveStatus(next, isFailed) };
}

/** 0, or the first non-zero in manifest order, as a shell would show it; undefined while a main container lives. */
export function exitStatusOf(state: PodState): number | undefined {
  let status = 0;
  for (const container of state.containers) {
    if (isPause(container)) continue;
    if (container.exit === undefined) return undefined;
    if (status === 0) status = shellStatus(container.exit) ?? LOST_STATUS;
  }
  return status;
}

function applyFact(state: PodState, event: Event): PodState {
  if (isContainerFact(event)) return applyContainerFact(state, event);
  switch (event.type) {
    case "pod.planned":
    case "pod.recovered":
      return state;
    case "pod.wanted":
      return { ...state, want: event.want };
    case "pod.created":
      return { ...state, createdAt: event.time };
    case "pod.started":
      return { ...state, startedAt: event.time };
    case "pod.paused":
      return { ...state, isPaused: true };
    case "pod.resumed":
      return { ...state, isPaused: false };
    case "pod.exited":
      return { ...state, exitedAt: event.time, exitStatus: event.status };
    case "pod.failed":
      return { ...state, error: event.error };
    case "pod.degraded":
      return { ...state, degraded: event.reason };
    case "pod.deleted":
      return { ...state, deletedAt: event.time };
  }
}

function applyContainerFact(state: PodState, event: Event & ContainerFact): PodState {
  const isKnown = state.containers.some((container) => container.name === event.container);
  const containers = isKnown ? state.containers : [...state.containers, makePlannedContainer(event.container)];
  return {
    ...state,
    containers: containers.map((container) =>
      container.name === event.container ? moveContainer(container, event) : container,
    ),
  };
}

function moveContainer(container: ContainerState, event: Event & ContainerFact): ContainerState {
  const status = CONTAINER_MOVES[event.type][container.status] ?? container.status;
  switch (event.type) {
    case "container.creating":
      return { ...container, status, exitsOffset: event.exitsOffset };
    case "container.created":
      return { ...container, status, createdAt: event.time, pid: event.pid, startTime: event.startTime };
    case "container.started":
      return { ...container, status, startedAt: event.time };
    case "container.exited":
      return { ...container, status, exit: event.exit };
    case "container.deleted":
      return status === "planned" ? makePlannedContainer(container.name) : { ...container, status };
    case "container.log-blocked":
      return { ...container, status, logBlocked: event.reason };
    case "container.log-resumed": {
      const { logBlocked: _, ...rest } = container;
      return { ...rest, status };
    }
    case "container.signalled":
    case "container.io-restarted":
      return { ...container, status };
  }
}

function makePlannedContainer(name: ContainerName): ContainerState {
  return {
    name,
    status: "planned",
    pid: undefined,
    startTime: undefined,
    createdAt: undefined,
    startedAt: undefined,
    exit: undefined,
    exitsOffset: undefined,
  };
}

/** The gravest of what holds at once. */
function deriveStatus(state: PodState, isFailed: boolean): PodStatus {
  if (state.deletedAt !== undefined) return "deleting";
  if (isFailed) return "failed";
  if (state.want === "deleted") return "deleting";
  if (state.exitedAt !== undefined) return "exited";
  if (state.isPaused) return "paused";
  if (state.want === "stopped") return "stopping";
  if (state.startedAt !== undefined) return "running";
  if (state.createdAt !== undefined) return "created";
  return "creating";
}
