// What a supervisor must know of the past: the pod's state, and beside it what callers may come back for. Events in,
// memory out; pure. It has an upper bound, however long the pod lives.

import type { ContainerName, PodName } from "../base/names.ts";
import type { Event, Want } from "./event.ts";
import { applyEvent, makePlannedState } from "./fold.ts";
import type { ContainerOutline } from "./outline.ts";
import type { PodState } from "./pod-state.ts";

export interface Memory {
  readonly state: PodState;
  /** Time of the first event; with the name it tells this pod from a later one. Undefined before that. */
  readonly plannedAt: string | undefined;
  /** Time of the last event; empty before the first. */
  readonly lastTime: string;
  /** What was asked for under which name, `stopped 9f…`: the last MOST_REQUESTS, oldest first. */
  readonly requests: readonly string[];
  /** How often somebody asked for something, one asking that came twice counted once. */
  readonly requestCount: number;
  /** The last change of members that came to its end. */
  readonly change: { readonly request: string; readonly fresh: readonly ContainerName[] } | undefined;
}

/** Whoever asks again does so within seconds, after a broken connection. */
export const MOST_REQUESTS = 256;

/** `containers` in the plan's order. */
export function makeMemory(pod: PodName, containers: readonly ContainerOutline[]): Memory {
  return {
    state: makePlannedState(pod, containers),
    plannedAt: undefined,
    lastTime: "",
    requests: [],
    requestCount: 0,
    change: undefined,
  };
}

export function remember(memory: Memory, event: Event): Memory {
  return {
    ...withRequest(memory, requestOf(event)),
    state: applyEvent(memory.state, event),
    plannedAt: memory.plannedAt ?? event.time,
    lastTime: event.time,
    change: event.type === "pod.changed" ? { request: event.request, fresh: event.fresh } : memory.change,
  };
}

/** What callers may ask for twice, after a broken connection. */
export type Asked = Want | "changed" | "checkpointed" | "restored";

/** A request counts for what it asked: the same name may stand for a stop and for a later delete. */
export function makeRequestKey(want: Asked, request: string): string {
  return `${want} ${request}`;
}

function requestOf(event: Event): string | undefined {
  if (event.type === "pod.wanted") return makeRequestKey(event.want, event.request);
  if (event.type === "pod.checkpointed") return makeRequestKey("checkpointed", event.request);
  if (event.type === "pod.restored") return makeRequestKey("restored", event.request);
  if (event.type === "pod.changing") return makeRequestKey("changed", event.request);
  if (event.type === "container.restarting") return makeRequestKey("restarted", event.request);
  return undefined;
}

function withRequest(memory: Memory, key: string | undefined): Memory {
  if (key === undefined || memory.requests.includes(key)) return memory;
  return {
    ...memory,
    requests: [...memory.requests, key].slice(-MOST_REQUESTS),
    requestCount: memory.requestCount + 1,
  };
}
