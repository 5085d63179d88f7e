// Events in, state out. Pure and total: whoever may write an event is decided in transitions.ts, not here, so that a
// reader of a damaged journal still sees as much as there is.

import type { ContainerName, PodName } from "../base/names.ts";
import { type Exit, shellStatus } from "../exits/exit.ts";
import type { AttachedNetwork } from "../network/network.ts";
import { isPast, makeConditions, makePhase } from "./conditions.ts";
import type { ContainerFact, Event, RestoredContainer } from "./event.ts";
import { type ContainerOutline, makeBareOutline } from "./outline.ts";
import type { ContainerState, EndReason, PodState, PodStatus } from "./pod-state.ts";
import { CONTAINER_MOVES, isContainerFact } from "./transitions.ts";

/** Nobody saw how it ended: not a success, and no code that the program could be held to. */
const LOST_STATUS = 255;
/** As timeout(1) has it: its containers ended well, but only because it had to end. */
const EXPIRED_STATUS = 124;
/** The kubelet's, for a container that could not be started. */
const START_ERROR_STATUS = 128;

export function makePlannedState(pod: PodName, containers: readonly ContainerOutline[]): PodState {
  return {
    pod,
    status: "creating",
    want: "created",
    wantedAt: undefined,
    graceMs: undefined,
    downAt: undefined,
    stopSignal: undefined,
    createdAt: undefined,
    startedAt: undefined,
    initializedAt: undefined,
    expiredAt: undefined,
    exitedAt: undefined,
    restartedAt: undefined,
    changing: undefined,
    changedAt: undefined,
    checkpointedAt: undefined,
    deletedAt: undefined,
    isPaused: false,
    reason: undefined,
    phase: "Pending",
    conditions: [],
    exitStatus: undefined,
    degraded: undefined,
    error: undefined,
    containers: containers.map(makePlannedContainer),
    cursor: 0,
  };
}

/** `containers` in the plan's order: the order decides whose exit code the pod ends with. */
export function foldEvents(pod: PodName, containers: readonly ContainerOutline[], events: Iterable<Event>): PodState {
  let state = makePlannedState(pod, containers);
  for (const event of events) state = applyEvent(state, event);
  return state;
}

export function applyEvent(state: PodState, event: Event): PodState {
  const { status } = state;
  const next: PodState = { ...applyFact(state, event), cursor: event.seq };
  // A failure is told until somebody asks for something new.
  const isFailed = event.type === "pod.failed" || (status === "failed" && event.type !== "pod.wanted");
  return withSummary({ ...next, status: deriveStatus(next, isFailed) }, event.time);
}

/** Status, phase and conditions follow from the rest. */
export function withSummary(state: PodState, time: string): PodState {
  return { ...state, phase: makePhase(state), conditions: makeConditions(state, state.conditions, time) };
}

/** What a pod ends with that is ended from outside: whoever never ran has no part in it. */
export function finalStatusOf(state: PodState): number {
  return exitStatusOf({ ...state, containers: state.containers.filter(({ exit }) => exit !== undefined) }) ?? 0;
}

/**
 * What the pod ends with, if it ends as it is: 0, or the first non-zero in the plan's order, as a shell would show it;
 * undefined while an init or a main container lives or is still to come.
 */
export function exitStatusOf(state: PodState): number | undefined {
  let status = 0;
  let hasFailedInit = false;
  for (const { role, exit } of state.containers) {
    if (role === "pause" || role === "sidecar") continue;
    if (exit === undefined && hasFailedInit) continue;
    if (exit === undefined) return undefined;
    const own = shellStatus(exit) ?? LOST_STATUS;
    if (status === 0) status = own;
    hasFailedInit ||= role === "init" && own !== 0;
  }
  return status === 0 && state.expiredAt !== undefined ? EXPIRED_STATUS : status;
}

function applyFact(state: PodState, event: Event): PodState {
  if (isContainerFact(event)) return applyContainerFact(state, event);
  switch (event.type) {
    case "pod.planned":
      return { ...state, ...(event.podIPs === undefined ? {} : makePodIPs(event.podIPs)) };
    case "pod.recovered":
      return state;
    case "pod.wanted":
      return {
        ...state,
        want: event.want,
        wantedAt: event.time,
        graceMs: event.graceMs,
        downAt: event.want === "stopped" || event.want === "restarted" ? (state.downAt ?? event.time) : undefined,
        stopSignal: event.signal,
        ...(event.force ? { isForced: true } : {}),
      };
    case "pod.attached":
      return { ...state, ...makeAddresses(event.networks), networks: event.networks, dns: event.dns };
    case "pod.detached": {
      const { networks: _, dns: _dns, podIP: _ip, podIPs: _ips, ...rest } = state;
      return rest;
    }
    case "pod.created":
      return { ...state, createdAt: event.time };
    case "pod.started":
      return withInitialized({ ...state, startedAt: event.time }, event.time);
    case "pod.initialized":
      return { ...state, initializedAt: event.time };
    case "pod.expired":
      return { ...state, expiredAt: event.time, reason: "DeadlineExceeded" };
    case "pod.paused":
      return { ...state, isPaused: true };
    case "pod.resumed":
      return { ...state, isPaused: false };
    case "pod.checkpointed":
      return event.containers.length === 0 ? state : putAway(state, event.containers, event.time);
    case "pod.restored":
      return takeUp(state, event.containers);
    case "pod.exited":
      return { ...state, exitedAt: event.time, exitStatus: event.status };
    case "pod.restarted":
      return beginAgain(state, event.time);
    case "pod.changing":
      return {
        ...state,
        changing: event.request,
        containers: state.containers.map((one) =>
          event.leaving.includes(one.name) ? { ...one, leaveBy: event.endBy } : one,
        ),
      };
    case "pod.changed":
      return changeMembers(state, event);
    case "pod.failed":
      return { ...state, error: event.error };
    case "pod.degraded":
      return { ...state, degraded: event.reason };
    case "pod.updated":
      return { ...state, resources: { ...state.resources, ...event.resources } };
    case "pod.deleted":
      return { ...state, deletedAt: event.time };
  }
}

/** Kubernetes' podIPs: one of each family at most, of the first network that has any. */
function makeAddresses(networks: readonly AttachedNetwork[]): Pick<PodState, "podIP" | "podIPs"> {
  const all = networks.find(({ ips }) => ips.length > 0)?.ips.map(({ address }) => address) ?? [];
  const isV6 = (address: string) => address.includes(":");
  const podIPs = all.filter((address, index) => all.findIndex((one) => isV6(one) === isV6(address)) === index);
  return makePodIPs(podIPs);
}

function makePodIPs(podIPs: readonly string[]): Pick<PodState, "podIP" | "podIPs"> {
  return podIPs[0] === undefined ? { podIPs } : { podIP: podIPs[0], podIPs };
}

/** Who was there under the same name goes on with his attempts. */
function changeMembers(state: PodState, event: Event & { readonly type: "pod.changed" }): PodState {
  const containers = event.containers.map((outline) => {
    const known = state.containers.find(({ name }) => name === outline.name);
    if (known === undefined) return makePlannedContainer(outline);
    const isReplaced = event.fresh.includes(outline.name) && known.status !== "planned";
    return { ...known, ...outline, leaveBy: undefined, restartBy: isReplaced ? event.time : known.restartBy };
  });
  return { ...state, changing: undefined, changedAt: event.time, containers };
}

function putAway(state: PodState, names: readonly ContainerName[], time: string): PodState {
  return {
    ...state,
    checkpointedAt: time,
    containers: state.containers.map((one) => {
      if (!names.includes(one.name)) return one;
      return withReadiness({ ...one, status: "checkpointed", pid: undefined, startTime: undefined });
    }),
  };
}

/** What they were through, and how often they were started again, they still are. */
function takeUp(state: PodState, restored: readonly RestoredContainer[]): PodState {
  return {
    ...state,
    checkpointedAt: undefined,
    containers: state.containers.map((one) => {
      const found = restored.find(({ name }) => name === one.name);
      return found === undefined ? one : withReadiness({ ...one, ...found, status: "running" });
    }),
  };
}

/** A pod without init containers has nothing to go through. */
function withInitialized(state: PodState, time: string): PodState {
  const hasEarly = state.containers.some(({ role }) => role === "init" || role === "sidecar");
  return hasEarly ? state : { ...state, initializedAt: time };
}

function applyContainerFact(state: PodState, event: Event & ContainerFact): PodState {
  const isKnown = state.containers.some((container) => container.name === event.container);
  const containers = isKnown
    ? state.containers
    : [...state.containers, makePlannedContainer(makeBareOutline(event.container))];
  return {
    ...state,
    containers: containers.map((container) =>
      container.name === event.container ? withReadiness(moveContainer(container, event)) : container,
    ),
  };
}

function moveContainer(container: ContainerState, event: Event & ContainerFact): ContainerState {
  const status = CONTAINER_MOVES[event.type][container.status] ?? container.status;
  switch (event.type) {
    case "container.creating":
      return beginAttempt(container, event);
    case "container.created":
      return { ...container, status, createdAt: event.time, pid: event.pid, startTime: event.startTime };
    case "container.started":
      return { ...container, status, startedAt: event.time };
    case "container.exited":
      return { ...container, status, exit: event.exit, reason: event.reason ?? makeEndReason(event.exit) };
    case "container.start-failed": {
      const exit: Exit = { kind: "exited", code: START_ERROR_STATUS, time: event.time };
      return { ...container, status, exit, reason: "StartError", message: event.error.message };
    }
    case "container.post-started":
      return { ...container, status, passed: [...container.passed, "postStart"] };
    case "container.startup-passed":
      return { ...container, status, passed: [...container.passed, "startup"] };
    case "container.ready":
      return { ...container, status, passed: [...container.passed, "readiness"], message: undefined };
    case "container.unready":
      return {
        ...container,
        status,
        passed: container.passed.filter((one) => one !== "readiness"),
        message: event.message,
      };
    case "container.unhealthy":
      return { ...container, status, endBy: event.endBy, message: `${event.cause}: ${event.message}` };
    case "container.pre-stop-failed":
      return { ...container, status, message: `preStop: ${event.message}` };
    case "container.restarting":
      return { ...container, status, restartBy: event.endBy };
    case "container.backing-off":
      return { ...container, status, backOffUntil: event.until };
    case "container.deleted":
      return giveUpAttempt({ ...container, status });
    case "container.updated":
      return { ...container, status, resources: { ...container.resources, ...event.resources } };
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

/** The same attempt may be begun twice, when a supervisor died in the middle of the first. */
function beginAttempt(
  container: ContainerState,
  event: Event & { readonly type: "container.creating" },
): ContainerState {
  const { attempt = 0, restarts = 0, exitsOffset } = event;
  const last = lastOf(container);
  return { ...makeRenewed(container), status: "creating", attempt, restarts, exitsOffset, last };
}

/** Nothing but its limits outlives an attempt. */
function makeRenewed(container: ContainerState): ContainerState {
  const resources = container.resources === undefined ? {} : { resources: container.resources };
  return { ...makePlannedContainer(container), ...resources };
}

function lastOf({ exit, reason, startedAt, message, last }: ContainerState): ContainerState["last"] {
  if (exit === undefined || reason === undefined) return last;
  return { startedAt, exit, reason, ...(message === undefined ? {} : { message }) };
}

/** The pod as it was created, but for what its containers have behind them. */
function beginAgain(state: PodState, time: string): PodState {
  return {
    ...state,
    want: "running",
    wantedAt: time,
    graceMs: undefined,
    downAt: undefined,
    stopSignal: undefined,
    restartedAt: time,
    startedAt: undefined,
    initializedAt: undefined,
    expiredAt: undefined,
    exitedAt: undefined,
    exitStatus: undefined,
    reason: undefined,
    error: undefined,
    changing: undefined,
    containers: state.containers.map((container) => {
      // Its turn had not come.
      if (container.status === "planned") return container;
      return { ...makeRenewed(container), attempt: container.attempt + 1, last: lastOf(container) };
    }),
  };
}

/** One that was cut short leaves what the attempt before it has left. */
function giveUpAttempt(container: ContainerState): ContainerState {
  const { status, attempt, last } = container;
  if (status !== "planned") return container;
  if (attempt === 0 || last === undefined) return { ...makePlannedContainer(container), attempt };
  return { ...container, status: "deleted", exit: last.exit, reason: last.reason, startedAt: last.startedAt };
}

export function makeEndReason(exit: Exit): EndReason {
  const status = shellStatus(exit);
  if (status === undefined) return "Lost";
  return status === 0 ? "Completed" : "Error";
}

function withReadiness(container: ContainerState): ContainerState {
  const started = container.status === "running" && isPast(container, "postStart") && isPast(container, "startup");
  return { ...container, started, ready: started && isPast(container, "readiness") };
}

/** Nothing has been done for it yet. */
export function makePlannedContainer({ name, role, image, imageId, awaits }: ContainerOutline): ContainerState {
  return {
    name,
    role,
    ...(image === undefined ? {} : { image }),
    ...(imageId === undefined ? {} : { imageId }),
    awaits,
    status: "planned",
    attempt: 0,
    restarts: 0,
    started: false,
    ready: false,
    message: undefined,
    reason: undefined,
    backOffUntil: undefined,
    endBy: undefined,
    restartBy: undefined,
    leaveBy: undefined,
    passed: [],
    last: undefined,
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
  if (state.checkpointedAt !== undefined) return "checkpointed";
  if (state.isPaused) return "paused";
  if (state.want === "stopped" || state.want === "restarted" || state.expiredAt !== undefined) return "stopping";
  if (state.startedAt !== undefined) return state.initializedAt === undefined ? "initializing" : "running";
  if (state.createdAt !== undefined) return "created";
  return "creating";
}
