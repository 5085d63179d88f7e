// Stories for tests of the journal: any walk that the table of transitions allows, led to its end.

import type { ContainerName, PodName } from "../../src/base/names.ts";
import type { Event, Fact } from "../../src/state/event.ts";
import { applyEvent, exitStatusOf, makePlannedState } from "../../src/state/fold.ts";
import { makeBareOutline } from "../../src/state/outline.ts";
import type { ContainerStatus, PodState } from "../../src/state/pod-state.ts";
import { whyNot } from "../../src/state/transitions.ts";

export const POD = "shop" as PodName;
export const WEB = "web" as ContainerName;
export const SIDECAR = "sidecar" as ContainerName;
const START_MS = Date.UTC(2026, 0, 1);

export interface Story {
  readonly events: readonly Event[];
  readonly state: PodState;
}

export function stamp(facts: readonly Fact[]): Event[] {
  return facts.map(
    (fact, index) =>
      ({ seq: index + 1, time: new Date(START_MS + index * 10).toISOString(), pod: POD, ...fact }) as Event,
  );
}

/** The common life: created, started, ended by itself, deleted. */
export function anOrdinaryLife(containers: readonly ContainerName[] = [WEB, SIDECAR]): Fact[] {
  const each = (make: (name: ContainerName, index: number) => Fact): Fact[] => containers.map(make);
  return [
    { type: "pod.planned" },
    { type: "pod.wanted", want: "running", request: "r1" },
    ...each((container) => ({ type: "container.creating", container, exitsOffset: 0 })),
    ...each((container, index) => ({ type: "container.created", container, pid: 100 + index, startTime: 5000 })),
    { type: "pod.created" },
    ...each((container) => ({ type: "container.started", container })),
    { type: "pod.started" },
    ...each((container) => ({ type: "container.exited", container, exit: exitedWith(0) })),
    { type: "pod.exited", status: 0 },
    { type: "pod.wanted", want: "deleted", request: "r2" },
    ...each((container) => ({ type: "container.deleted", container })),
    { type: "pod.deleted" },
  ];
}

export function exitedWith(code: number): { kind: "exited"; code: number; time: string } {
  return { kind: "exited", code, time: "2026-01-01T00:00:00.123456789Z" };
}

/** Each number picks one of the facts that may come next; afterwards the pod is led to its end. `early`: init containers. */
export function walk(
  containers: readonly ContainerName[],
  choices: readonly number[],
  early: readonly ContainerName[] = [],
): Story {
  const events: Event[] = [];
  let state = makePlannedState(
    POD,
    containers.map((name) => ({ ...makeBareOutline(name), ...(early.includes(name) ? { role: "init" } : {}) })),
  );
  const tell = (fact: Fact): void => {
    const time = new Date(START_MS + events.length * 10).toISOString();
    const event = { seq: state.cursor + 1, time, pod: POD, ...fact } as Event;
    events.push(event);
    state = applyEvent(state, event);
  };
  for (const choice of choices) {
    const possible = allFacts(containers, state).filter((fact) => whyNot(state, fact) === undefined);
    const fact = possible[choice % possible.length];
    if (fact === undefined) break;
    tell(fact);
  }
  // The end of every story, as far as it has not been told yet.
  for (const fact of theEnd(containers)) if (whyNot(state, fact) === undefined) tell(fact);
  return { events, state };
}

/** What leads on stands here several times, so that walks get far; what ends the story comes only with the end. */
function allFacts(containers: readonly ContainerName[], state: PodState): Fact[] {
  const leadingOn = factsThatLeadOn(containers, state);
  return [...factsOnTheWay(containers), ...leadingOn, ...leadingOn, ...leadingOn, ...leadingOn];
}

function factsThatLeadOn(containers: readonly ContainerName[], state: PodState): Fact[] {
  return [
    { type: "pod.planned" },
    { type: "pod.created" },
    { type: "pod.started" },
    { type: "pod.exited", status: exitStatusOf(state) ?? 0 },
    { type: "pod.restarted" },
    { type: "pod.checkpointed", request: "r5", containers: namesOf(state, "running") },
    {
      type: "pod.restored",
      request: "r6",
      containers: namesOf(state, "checkpointed").map((name) => ({ name, pid: 300, startTime: 6000, exitsOffset: 9 })),
    },
    ...containers.flatMap((container, index): Fact[] => [
      { type: "container.creating", container, exitsOffset: index, ...nextLife(state, container) },
      { type: "container.created", container, pid: 100 + index, startTime: 5000 + index },
      { type: "container.started", container },
    ]),
  ];
}

function namesOf(state: PodState, status: ContainerStatus): ContainerName[] {
  return state.containers.filter((one) => one.status === status).map(({ name }) => name);
}

/** The one that was cut short again, or the one after that which is over. */
function nextLife(state: PodState, name: ContainerName): { attempt?: number; restarts?: number } {
  const container = state.containers.find((one) => one.name === name);
  const attempt = (container?.attempt ?? 0) + (container?.status === "deleted" ? 1 : 0);
  return attempt === 0 ? {} : { attempt, restarts: attempt };
}

function factsOnTheWay(containers: readonly ContainerName[]): Fact[] {
  return [
    { type: "pod.wanted", want: "running", request: "r1" },
    { type: "pod.wanted", want: "stopped", request: "r2", graceMs: 10 },
    { type: "pod.paused" },
    { type: "pod.checkpointed", request: "r7", containers: [], file: "/tmp/shop.tar" },
    { type: "pod.resumed" },
    { type: "pod.failed", error: { code: "RUNTIME_FAILED", message: "container web: runc said no" } },
    { type: "pod.recovered" },
    { type: "pod.updated", resources: { memoryLimitBytes: 64 << 20 } },
    {
      type: "pod.attached",
      networks: [
        { name: "blue", interface: "eth0", mac: "02:00:00:00:00:01", ips: [{ address: "10.9.0.2", prefix: 24 }] },
      ],
      dns: { nameservers: [], search: [], options: [] },
    },
    { type: "pod.detached" },
    { type: "pod.degraded", reason: "its reaper died" },
    { type: "pod.initialized" },
    { type: "pod.expired" },
    { type: "pod.changing", request: "r4", leaving: containers.slice(0, 1), endBy: "2026-01-01T00:01:00.000Z" },
    { type: "pod.changed", request: "r4", containers: containers.map(makeBareOutline), fresh: [] },
    ...containers.flatMap((container, index): Fact[] => [
      { type: "container.signalled", container, signal: "TERM" },
      { type: "container.updated", container, resources: { pidsLimit: 9 } },
      { type: "container.exited", container, exit: exitedWith(index) },
      { type: "container.deleted", container },
      { type: "container.io-restarted", container },
      { type: "container.start-failed", container, error: { code: "NOT_FOUND", message: "no such command" } },
      { type: "container.restarting", container, request: "r3", endBy: "2026-01-01T00:01:00.000Z" },
      { type: "container.backing-off", container, until: "2026-01-01T00:01:00.000Z" },
      { type: "container.post-started", container },
      { type: "container.startup-passed", container },
      { type: "container.ready", container },
      { type: "container.unready", container, message: "HTTP 503" },
      {
        type: "container.unhealthy",
        container,
        cause: "liveness",
        message: "HTTP 503",
        endBy: "2026-01-01T00:01:00.000Z",
      },
      { type: "container.pre-stop-failed", container, message: "exit 1" },
      { type: "container.log-blocked", container, reason: "No space left on device" },
      { type: "container.log-resumed", container, lostLines: 3, lostBytes: 90 },
    ]),
  ];
}

function theEnd(containers: readonly ContainerName[]): Fact[] {
  return [
    { type: "pod.planned" },
    { type: "pod.wanted", want: "deleted", request: "r9", force: true },
    ...containers.map((container): Fact => ({ type: "container.exited", container, exit: exitedWith(3) })),
    ...containers.map((container): Fact => ({ type: "container.deleted", container })),
    { type: "pod.deleted" },
  ];
}
