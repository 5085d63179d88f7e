// The checker of journals: is this a story that can have happened, told once and in order? Pure, and written without
// the table by which journals are made, so that a mistake there does not hide here.

import { isDeepStrictEqual } from "node:util";
import { PAUSE } from "../base/names.ts";
import type { ContainerFact, Event } from "./event.ts";
import type { Memory } from "./memory.ts";
import type { ContainerStatus, PodState } from "./pod-state.ts";

export interface Violation {
  /** Which event, by its number; undefined: the story as a whole. */
  readonly seq: number | undefined;
  readonly rule: "numbering" | "time" | "pod" | "once" | "order" | "complete" | "sum";
  /** `container web: exited before it was created`. */
  readonly message: string;
}

type Tell = (rule: Violation["rule"], message: string) => void;

/** Where a journal begins with what is not kept any more. */
export interface CheckerStart {
  readonly story: StoryJson;
  readonly memory: Memory;
  readonly violations: readonly string[];
}

/** `complete`: the pod is over, so every beginning must have its end. */
export function verifyEvents(
  events: readonly Event[],
  options: { readonly complete?: boolean; readonly start?: CheckerStart | undefined } = {},
): Violation[] {
  const checker = new Checker(options.start);
  for (const event of events) checker.take(event);
  if (options.complete) checker.end();
  return checker.violations;
}

/** Takes a story event by event, and can be put down and taken up again between two of them. */
export class Checker {
  readonly violations: Violation[] = [];
  readonly #story: PodStory;
  #seq: number;
  #time: string | undefined;
  #pod: string | undefined;

  constructor(start?: CheckerStart) {
    this.#story = new PodStory(start?.story);
    this.#seq = start?.memory.state.cursor ?? 0;
    this.#time = start?.memory.lastTime || undefined;
    this.#pod = start?.memory.state.pod;
    const known = (start?.violations ?? []).map((message): Violation => ({ seq: undefined, rule: "order", message }));
    this.violations.push(...known);
    if (start !== undefined) this.compare(start.memory.state);
  }

  get story(): StoryJson {
    return this.#story.toJson();
  }

  take(event: Event): void {
    const tell = this.#teller(event.seq);
    this.#checkStamp(event, tell);
    this.#story.check(event, tell);
  }

  end(): void {
    this.#story.checkEnd(this.#teller(undefined));
  }

  /** What the events added up to, for their writer, must be where the story stands. */
  compare(state: PodState): void {
    const tell = this.#teller(state.cursor);
    if (state.cursor !== this.#seq) tell("sum", `the sum: is of event ${state.cursor}, and stands after ${this.#seq}`);
    this.#story.compare(state, tell);
  }

  #teller(seq: number | undefined): Tell {
    return (rule, message) => this.violations.push({ seq, rule, message });
  }

  #checkStamp({ seq, time, pod }: Event, tell: Tell): void {
    this.#seq += 1;
    if (seq !== this.#seq) tell("numbering", `event ${this.#seq}: bears the number ${seq}`);
    if (!(Date.parse(time) >= 0)) tell("time", `event ${seq}: ${time} is no time`);
    if (this.#time !== undefined && Date.parse(time) < Date.parse(this.#time)) {
      tell("time", `event ${seq}: is told to be earlier than the one before`);
    }
    this.#time = time;
    this.#pod ??= pod;
    if (pod !== this.#pod) tell("pod", `event ${seq}: belongs to pod ${pod}`);
  }
}

/** As JSON has them: what is undefined is not there. */
export function isSameMemory(one: Memory, other: Memory): boolean {
  return isDeepStrictEqual(JSON.parse(JSON.stringify(one)), JSON.parse(JSON.stringify(other)));
}

/** A story as data. */
export interface StoryJson {
  readonly seen: readonly string[];
  readonly isPaused: boolean;
  readonly isChanging: boolean;
  readonly containers: readonly ContainerStoryJson[];
}

interface ContainerStoryJson {
  readonly name: string;
  readonly attempt: number;
  readonly is: readonly Stage[];
}

type Stage = "Creating" | "Created" | "Started" | "Exited" | "Deleted";
const STAGES: readonly Stage[] = ["Creating", "Created", "Started", "Exited", "Deleted"];

const ONCE = [
  "pod.planned",
  "pod.created",
  "pod.started",
  "pod.initialized",
  "pod.expired",
  "pod.exited",
  "pod.deleted",
] as const;

class PodStory {
  readonly #containers = new Map<string, ContainerStory>();
  readonly #seen = new Set<string>();
  #isPaused = false;
  #isChanging = false;

  constructor(from?: StoryJson) {
    if (from === undefined) return;
    for (const type of from.seen) this.#seen.add(type);
    this.#isPaused = from.isPaused;
    this.#isChanging = from.isChanging;
    for (const one of from.containers) this.#containers.set(one.name, new ContainerStory(one.name, one));
  }

  toJson(): StoryJson {
    return {
      seen: [...this.#seen],
      isPaused: this.#isPaused,
      isChanging: this.#isChanging,
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
      case "pod.exited":
        if (!this.#has("pod.created")) tell("order", "pod.exited: comes before pod.created");
        this.#checkAll(tell, event.type, "ended", (container) => container.isExited || container.name === PAUSE);
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

/** How a state may word it where the story stands. After a restart of the pod, or a create that failed, a life is planned anew. */
const STATED_AS: Readonly<Record<Stage | "none", readonly ContainerStatus[]>> = {
  none: ["planned"],
  Creating: ["creating"],
  Created: ["created"],
  Started: ["running"],
  Exited: ["exited"],
  Deleted: ["deleted", "planned"],
};

class ContainerStory {
  readonly name: string;
  isCreating = false;
  isCreated = false;
  isStarted = false;
  isExited = false;
  isDeleted = false;
  #attempt = -1;

  constructor(name: string, from?: ContainerStoryJson) {
    this.name = name;
    this.#attempt = from?.attempt ?? -1;
    for (const stage of from?.is ?? []) this[`is${stage}`] = true;
  }

  toJson(): ContainerStoryJson {
    return { name: this.name, attempt: this.#attempt, is: STAGES.filter((stage) => this[`is${stage}`]) };
  }

  get stage(): Stage | "none" {
    return STAGES.findLast((stage) => this[`is${stage}`]) ?? "none";
  }

  check(fact: ContainerFact, tell: Tell): void {
    const wrong = (rule: "once" | "order", what: string): void => tell(rule, `container ${this.name}: ${what}`);
    switch (fact.type) {
      case "container.creating":
        this.#checkCreating(fact.attempt ?? 0, wrong);
        return;
      case "container.start-failed":
        if (!this.isCreating) wrong("order", "could not be started before anybody set about it");
        if (this.isStarted || this.isExited) wrong("order", "could not be started after it was");
        this.isCreated = true;
        this.isExited = true;
        return;
      case "container.post-started":
      case "container.startup-passed":
      case "container.ready":
      case "container.unready":
      case "container.unhealthy":
      case "container.pre-stop-failed":
        if (!this.isStarted || this.isExited) wrong("order", `${fact.type.slice(10)} while it did not run`);
        return;
      case "container.restarting":
        if (!this.isCreating) wrong("order", "was asked to be restarted before anybody set about creating it");
        return;
      case "container.backing-off":
        if (!this.isExited || this.isDeleted) wrong("order", "waits to be started again while it has not ended");
        return;
      case "container.created":
        if (!this.isCreating) wrong("order", "was created before anybody set about it");
        if (this.isCreated) wrong("once", "was created twice");
        this.isCreated = true;
        return;
      case "container.started":
        if (!this.isCreated) wrong("order", "was started before it was created");
        if (this.isStarted) wrong("once", "was started twice");
        if (this.isExited) wrong("order", "was started after it had ended");
        this.isStarted = true;
        return;
      case "container.signalled":
        if (!this.isCreated || this.isExited) wrong("order", "got a signal while it did not live");
        return;
      case "container.updated":
        if (!this.isCreated || this.isExited) wrong("order", "was updated while it did not live");
        return;
      case "container.exited":
        if (!this.isCreated) wrong("order", "ended before it was created");
        if (this.isExited) wrong("once", "ended twice");
        this.isExited = true;
        return;
      case "container.deleted":
        this.#checkDeleted(wrong);
        return;
      case "container.io-restarted":
        if (!this.isCreating || this.isDeleted) wrong("order", "has an io before it is created or after it is deleted");
        return;
      case "container.log-blocked":
      case "container.log-resumed":
        if (!this.isCreating || this.isDeleted) wrong("order", "has a log before it is created or after it is deleted");
        return;
    }
  }

  #checkCreating(attempt: number, wrong: (rule: "once" | "order", what: string) => void): void {
    const isAgain = attempt === this.#attempt && !this.isCreated;
    if (attempt !== this.#attempt + 1 && !isAgain) wrong("order", `attempt ${attempt} comes after ${this.#attempt}`);
    if (attempt > 0 && !isAgain && !this.isDeleted) wrong("order", "is made again before the last one was deleted");
    this.#attempt = attempt;
    this.isCreating = true;
    this.isCreated = this.isStarted = this.isExited = this.isDeleted = false;
  }

  #checkDeleted(wrong: (rule: "once" | "order", what: string) => void): void {
    if (!this.isCreating) wrong("order", "was deleted before anybody set about creating it");
    if (this.isCreated && !this.isExited) wrong("order", "was deleted before it ended");
    if (this.isDeleted) wrong("once", "was deleted twice");
    if (this.isCreated) this.isDeleted = true;
    // A create that failed: it may be tried again.
    else {
      this.isCreating = false;
      this.isDeleted = this.#attempt > 0;
    }
  }
}
