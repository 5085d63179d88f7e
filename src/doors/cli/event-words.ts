// Events as a person reads them: who, what and why, in words. What only programs need (requests, offsets, steps on the way to
// something that is told itself) is left to JSON. Pure, but that a teller remembers what it has heard.

import type { Event, Want } from "../../state/event.ts";
import { makeExitWords } from "./pod-words.ts";
import { makeResourceWords } from "./resource-words.ts";

export interface Told {
  readonly words: string;
  /** Something went wrong. */
  readonly isBad: boolean;
}

/** Undefined for an event that says nothing to a person. */
export type EventTeller = (event: Event) => Told | undefined;

export function makeEventTeller(): EventTeller {
  let want: Want | undefined;
  const lives = new Map<string, { readonly attempt: number; pid?: number }>();
  return (event) => {
    if (event.type === "pod.wanted") want = event.want;
    else if (event.type === "container.creating") lives.set(event.container, { attempt: event.attempt ?? 0 });
    else if (event.type === "container.created")
      lives.set(event.container, { attempt: 0, ...lives.get(event.container), pid: event.pid });
    const life = "container" in event ? lives.get(event.container) : undefined;
    const words = makeWords(event, want, life);
    return words === undefined ? undefined : { words, isBad: isBad(event) };
  };
}

function makeWords(
  event: Event,
  want: Want | undefined,
  life: { readonly attempt: number; readonly pid?: number } | undefined,
): string | undefined {
  switch (event.type) {
    case "pod.planned":
    case "container.creating":
    case "container.deleted":
      return undefined;
    case "pod.wanted":
      return makeWantWords(event);
    case "pod.created":
      return want === "created" ? "created" : undefined;
    case "pod.started":
      return "started";
    case "pod.initialized":
      return "initialized: init containers are through, sidecars run";
    case "pod.expired":
      return "ran as long as activeDeadlineSeconds allows, is being stopped";
    case "pod.paused":
      return "paused";
    case "pod.resumed":
      return "goes on";
    case "pod.attached":
      return makeAttachedWords(event);
    case "pod.detached":
      return "left its networks";
    case "pod.checkpointed":
      return event.containers.length === 0 ? "copied to disk, runs on" : "put on disk, nothing of it runs";
    case "pod.restored":
      return "taken up from disk, goes on";
    case "pod.exited":
      return `ended, result ${event.status}`;
    case "pod.restarted":
      return "comes up again";
    case "pod.changing":
      return event.leaving.length === 0
        ? "becomes what another manifest says"
        : `becomes what another manifest says; ${event.leaving.join(", ")} must go`;
    case "pod.changed":
      return event.fresh.length === 0 ? "is changed" : `is changed; ${event.fresh.join(", ")} must be started`;
    case "pod.failed":
      return `failed: ${event.error.message}`;
    case "pod.degraded":
      return `degraded: ${event.reason}`;
    case "pod.recovered":
      return "a new supervisor looks after it, the last one died";
    case "pod.updated":
    case "container.updated":
      return `limits changed: ${makeResourceWords(event.resources)}`;
    case "pod.deleted":
      return "deleted";
    case "container.created":
      return want === "created" ? `created, pid ${event.pid}` : undefined;
    case "container.started": {
      const again = life !== undefined && life.attempt > 0 ? ` again, restart ${life.attempt}` : "";
      return `started${again}${life?.pid === undefined ? "" : `, pid ${life.pid}`}`;
    }
    case "container.start-failed":
      return `could not be started: ${event.error.message}`;
    case "container.post-started":
      return "postStart hook succeeded";
    case "container.startup-passed":
      return "startup probe succeeded";
    case "container.ready":
      return "ready";
    case "container.unready":
      return `not ready: ${event.message}`;
    case "container.unhealthy":
      return `${makeCause(event.cause)} failed: ${event.message}; has ${makeSpan(event.time, event.endBy)} to end`;
    case "container.pre-stop-failed":
      return `preStop hook failed: ${event.message}`;
    case "container.signalled":
      return `was sent ${makeSignalWord(event.signal)}`;
    case "container.exited":
      return `${makeExitWords(event.exit)}${event.reason === "OOMKilled" ? ": ran out of memory" : ""}`;
    case "container.restarting":
      return `asked to restart, has ${makeSpan(event.time, event.endBy)} to end`;
    case "container.backing-off":
      return `ended too soon again, waits ${makeSpan(event.time, event.until)} to be started again`;
    case "container.io-restarted":
      return "another process writes its log, the last one died; some output may be missing";
    case "container.log-blocked":
      return `its log cannot be written: ${event.reason}`;
    case "container.log-resumed":
      return `its log is written again; lost are ${event.lostLines} lines, ${event.lostBytes} bytes`;
    default:
      event satisfies never;
      return undefined;
  }
}

function makeAttachedWords({ networks }: Event & { readonly type: "pod.attached" }): string {
  const places = networks.map(({ name, ips }) => `${name}${ips.map(({ address }) => ` ${address}`).join("")}`);
  return `attached to ${places.join(", ")}`;
}

function makeWantWords(event: Event & { readonly type: "pod.wanted" }): string {
  const grace = event.graceMs === undefined ? "" : `, has ${makeSeconds(event.graceMs)}`;
  switch (event.want) {
    case "created":
      return "asked to be created";
    case "running":
      return "asked to run";
    case "stopped":
      return `asked to stop${event.signal === undefined ? grace : ` by ${makeSignalWord(event.signal)}`}`;
    case "restarted":
      return `asked to restart${grace}`;
    case "deleted":
      return `asked to be deleted${event.force ? ", by force" : ""}`;
  }
}

function isBad(event: Event): boolean {
  switch (event.type) {
    case "container.exited":
      return event.exit.kind !== "exited" || event.exit.code !== 0;
    case "pod.exited":
      return event.status !== 0;
    case "pod.failed":
    case "pod.degraded":
    case "pod.expired":
    case "container.start-failed":
    case "container.unready":
    case "container.unhealthy":
    case "container.pre-stop-failed":
    case "container.backing-off":
    case "container.log-blocked":
      return true;
    default:
      return false;
  }
}

function makeCause(cause: "startup" | "liveness" | "postStart"): string {
  return cause === "postStart" ? "postStart hook" : `${cause} probe`;
}

function makeSignalWord(signal: string): string {
  if (/^\d+$/.test(signal)) return `signal ${signal}`;
  return signal.startsWith("SIG") ? signal : `SIG${signal}`;
}

function makeSpan(from: string, until: string): string {
  return makeSeconds(Math.max(0, Date.parse(until) - Date.parse(from)));
}

function makeSeconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}
