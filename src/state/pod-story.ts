// A pod's story as verify.ts checks it, event by event: what has been told so far, and what may therefore be told next.

import { PAUSE } from "../base/names.ts";
import { ContainerStory, type ContainerStoryJson, STATED_AS, type Tell } from "./container-story.ts";
import type { ContainerFact, Event } from "./event.ts";
import type { PodState } from "./pod-state.ts";

/** A story as data. */
export interface StoryJson {
  readonly seen: readonly string[];
  readonly isPaused: boolean;
  readonly isChanging: boolean;
  readonly isCheckpointed?: true;
  readonly containers: readonly ContainerStoryJson[];
}

const ONCE = [
  "pod.planned",
  "pod.created",
  "pod.started",
  "pod.initialized",
  "pod.expired",
  "pod.exited",
  "pod.deleted",
] as const;

/** What can come true of a pod whose processes are on disk. */
const AWAY: readonly Event["type"][] = [
  "pod.restored",
  "pod.wanted",
  "pod.updated",
  "pod.failed",
  "pod.recovered",
  "pod.degraded",
  "pod.deleted",
  "container.deleted",
];

export class PodStory {
  readonly #containers = new Map<string, ContainerStory>();
  readonly #seen = new Set<string>();
  #isPaused = false;
  #isChanging = false;
  #isCheckpointed = false;

  constructor(from?: StoryJson) {
    if (from === undefined) return;
    for (const type of from.seen) this.#seen.add(type);
    this.#isPaused = from.isPaused;
    this.#isChanging = from.isChanging;
    this.#isCheckpointed = from.isCheckpointed ?? false;
    for (const one of from.containers) this.#containers.set(one.name, new ContainerStory(one.name, one));
  }

  toJson(): StoryJson {
    return {
      seen: [...this.#seen],
      isPaused: this.#isPaused,
      isChanging: this.#isChanging,
      ...(this.#isCheckpointed ? { isCheckpointed: true } : {}),
      containers: [...this.#containers.values()].map((story) => story.toJson()),
    };
  }

  compare(state: PodState, tell: Tell): void {
    const agree = (what: string, told: boolean, stated: boolean) => {
      if (told !== stated)
        tell("sum", `the sum: says that the pod is ${stated ? "" : "not "}${what}, the events differ`);
    };
    agree("created", this.#has("pod.created"), state.createdAt !== undefined);
    agree("started", this.#has("pod.started"), state.startedAt !== undefined);
    agree("expired", this.#has("pod.expired"), state.expiredAt !== undefined);
    agree("ended", this.#has("pod.exited"), state.exitedAt !== undefined);
    agree("deleted", this.#has("pod.deleted"), state.deletedAt !== undefined);
    agree("paused", this.#isPaused, state.isPaused);
    agree("checkpointed", this.#isCheckpointed, state.checkpointedAt !== undefined);
    agree("changing", this.#isChanging, state.changing !== undefined);
    for (const { name, status } of state.containers) {
      const stage = this.#containers.get(name)?.stage ?? "none";
      if (!STATED_AS[stage].includes(status))
        tell("sum", `the sum: says that container ${name} is ${status}, the events differ`);
    }
    for (const name of this.#containers.keys())
      if (!state.containers.some((one) => one.name === name)) tell("sum", `the sum: knows no container ${name}`);
  }

  check(event: Event, tell: Tell): void {
    if (this.#seen.size === 0 && event.type !== "pod.planned") tell("order", `${event.type}: comes before pod.planned`);
    if (this.#has("pod.deleted")) tell("order", `${event.type}: comes after pod.deleted`);
    if ((ONCE as readonly string[]).includes(event.type) && this.#seen.has(event.type)) {
      tell("once", `${event.type}: comes twice`);
    }
    if (this.#isCheckpointed) this.#checkWhileAway(event, tell);
    this.#checkFact(event, tell);
    this.#seen.add(event.type);
  }

  checkEnd(tell: Tell): void {
    if (!this.#has("pod.deleted")) tell("complete", "the pod: was never deleted");
  }

  #checkFact(event: Event, tell: Tell): void {
    switch (event.type) {
      case "pod.created":
        this.#checkAll(tell, event.type, "was created", (container) => container.isCreated);
        return;
      case "pod.started":
        if (!this.#has("pod.created")) tell("order", "pod.started: comes before pod.created");
        if (this.#has("pod.exited")) tell("order", "pod.started: comes after pod.exited");
        this.#checkAll(tell, event.type, "was started", (container) => container.isStarted || container.isExited);
        return;
      case "pod.initialized":
      case "pod.expired":
        if (!this.#has("pod.started")) tell("order", `${event.type}: comes before pod.started`);
        if (this.#has("pod.exited")) tell("order", `${event.type}: comes after pod.exited`);
        return;
      case "pod.paused":
      case "pod.resumed":
        this.#checkPause(event.type === "pod.paused", tell);
        return;
      case "pod.checkpointed":
        this.#checkCheckpointed(event, tell);
        return;
      case "pod.restored":
        this.#checkRestored(event, tell);
        return;
      case "pod.exited":
        if (!this.#has("pod.created")) tell("order", "pod.exited: comes before pod.created");
        this.#checkAll(tell, event.type, "ended", (container) => hasEnded(container) || container.name === PAUSE);
        return;
      case "pod.changing":
        if (!this.#has("pod.started")) tell("order", "pod.changing: comes before pod.started");
        if (this.#has("pod.exited")) tell("order", "pod.changing: comes after pod.exited");
        if (this.#isChanging) tell("once", "pod.changing: comes while it is changing already");
        this.#isChanging = true;
        return;
      case "pod.changed":
        this.#checkChanged(event, tell);
        return;
      case "pod.restarted":
        this.#checkRestarted(tell);
        return;
      case "pod.deleted":
        this.#checkAll(tell, event.type, "was deleted", (container) => container.isDeleted || !container.isCreated);
        return;
      case "pod.planned":
      case "pod.wanted":
      case "pod.attached":
      case "pod.detached":
      case "pod.updated":
      case "pod.failed":
      case "pod.recovered":
      case "pod.degraded":
        return;
      default:
        this.#containerOf(event).check(event, tell);
    }
  }

  #checkPause(isPausing: boolean, tell: Tell): void {
    if (isPausing && !this.#has("pod.started")) tell("order", "pod.paused: comes before pod.started");
    if (isPausing && this.#has("pod.exited")) tell("order", "pod.paused: comes after pod.exited");
    if (isPausing === this.#isPaused)
      tell("once", isPausing ? "the pod: paused twice" : "the pod: resumed, not paused");
    this.#isPaused = isPausing;
  }

  /** Nothing that lives can be told of while nothing lives. */
  #checkWhileAway(event: Event, tell: Tell): void {
    if (AWAY.includes(event.type)) return;
    tell("order", `${event.type}: comes while the pod is checkpointed`);
  }

  #checkCheckpointed({ containers }: Event & { readonly type: "pod.checkpointed" }, tell: Tell): void {
    if (!this.#has("pod.started")) tell("order", "pod.checkpointed: comes before pod.started");
    if (this.#has("pod.exited")) tell("order", "pod.checkpointed: comes after pod.exited");
    if (this.#isPaused) tell("order", "pod.checkpointed: comes while it is paused");
    // All run on: a copy was made.
    if (containers.length === 0) return;
    this.#isCheckpointed = true;
    for (const [name, story] of this.#containers) {
      const isNamed = containers.some((one) => one === name);
      if (isNamed !== story.isRunning)
        tell("order", `pod.checkpointed: ${isNamed ? "names" : "leaves out"} container ${name}, which is not so`);
      story.isAway = isNamed;
    }
    const unknown = containers.find((name) => !this.#containers.has(name));
    if (unknown !== undefined) tell("order", `pod.checkpointed: names container ${unknown}, which never was`);
  }

  #checkRestored({ containers }: Event & { readonly type: "pod.restored" }, tell: Tell): void {
    if (!this.#isCheckpointed) tell("order", "pod.restored: comes while it is not checkpointed");
    this.#isCheckpointed = false;
    for (const [name, story] of this.#containers) {
      if (containers.some((one) => one.name === name) !== story.isAway)
        tell("order", `pod.restored: container ${name} was ${story.isAway ? "" : "not "}checkpointed`);
      story.isAway = false;
    }
  }

  /** From here on it may start, be through with its init containers, and end, once more. */
  #checkRestarted(tell: Tell): void {
    if (!this.#has("pod.exited")) tell("order", "pod.restarted: comes before pod.exited");
    if (this.#isPaused) tell("order", "pod.restarted: comes while it is paused");
    this.#checkAll(tell, "pod.restarted", "was deleted", (container) => container.isDeleted || !container.isCreated);
    this.#isChanging = false;
    for (const type of ["pod.started", "pod.initialized", "pod.expired", "pod.exited"]) this.#seen.delete(type);
  }

  /** Who is replaced or not named any more is gone; a later one of that name begins anew. */
  #checkChanged({ containers, fresh }: Event & { readonly type: "pod.changed" }, tell: Tell): void {
    if (!this.#isChanging) tell("order", "pod.changed: comes before pod.changing");
    this.#isChanging = false;
    for (const [name, story] of this.#containers) {
      const stays = containers.some((one) => one.name === name);
      if (stays && !fresh.some((one) => one === name)) continue;
      if (story.isCreated && !story.isDeleted) tell("order", `pod.changed: comes before container ${name} was deleted`);
      if (!stays) this.#containers.delete(name);
    }
  }

  #checkAll(tell: Tell, type: string, what: string, holds: (container: ContainerStory) => boolean): void {
    for (const container of this.#containers.values()) {
      if (!holds(container)) tell("order", `${type}: comes before container ${container.name} ${what}`);
    }
  }

  #has(type: Event["type"]): boolean {
    return this.#seen.has(type);
  }

  #containerOf(fact: ContainerFact): ContainerStory {
    const known = this.#containers.get(fact.container);
    if (known) return known;
    const story = new ContainerStory(fact.container);
    this.#containers.set(fact.container, story);
    return story;
  }
}

/** Or a next life of it was given up before it was made. */
function hasEnded({ isExited, isDeleted }: ContainerStory): boolean {
  return isExited || isDeleted;
}
