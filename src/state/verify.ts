// The checker of journals: is this a story that can have happened, told once and in order? Pure, and written without
// the table by which journals are made, so that a mistake there does not hide here.

import { PAUSE } from "../base/names.ts";
import type { ContainerFact, Event } from "./event.ts";

export interface Violation {
  /** Which event, by its number; undefined: the story as a whole. */
  readonly seq: number | undefined;
  readonly rule: "numbering" | "time" | "pod" | "once" | "order" | "complete";
  /** `container web: exited before it was created`. */
  readonly message: string;
}

type Tell = (rule: Violation["rule"], message: string) => void;

/** `complete`: the pod is over, so every beginning must have its end. */
export function verifyEvents(events: readonly Event[], options: { readonly complete?: boolean } = {}): Violation[] {
  const violations: Violation[] = [];
  const story = new PodStory();
  for (const [index, event] of events.entries()) {
    const tell: Tell = (rule, message) => violations.push({ seq: event.seq, rule, message });
    checkStamp(event, index, events, tell);
    story.check(event, tell);
  }
  if (options.complete) story.checkEnd((rule, message) => violations.push({ seq: undefined, rule, message }));
  return violations;
}

function checkStamp(event: Event, index: number, events: readonly Event[], tell: Tell): void {
  if (event.seq !== index + 1) tell("numbering", `event ${index + 1}: bears the number ${event.seq}`);
  const previous = events[index - 1];
  if (!(Date.parse(event.time) >= 0)) tell("time", `event ${event.seq}: ${event.time} is no time`);
  if (previous && Date.parse(event.time) < Date.parse(previous.time)) {
    tell("time", `event ${event.seq}: is told to be earlier than the one before`);
  }
  if (events[0] && event.pod !== events[0].pod) tell("pod", `event ${event.seq}: belongs to pod ${event.pod}`);
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

class PodStory {
  readonly #containers = new Map<string, ContainerStory>();
  readonly #seen = new Set<string>();
  #isPaused = false;
  #isChanging = false;

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

class ContainerStory {
  readonly name: string;
  isCreating = false;
  isCreated = false;
  isStarted = false;
  isExited = false;
  isDeleted = false;
  #attempt = -1;

  constructor(name: string) {
    this.name = name;
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
