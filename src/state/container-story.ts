// One container's part of the story that verify.ts checks: what may be told of it, and in which order.

import type { ContainerFact } from "./event.ts";
import type { ContainerStatus } from "./pod-state.ts";

export type Rule = "numbering" | "time" | "pod" | "once" | "order" | "complete" | "sum";
export type Tell = (rule: Rule, message: string) => void;

export interface ContainerStoryJson {
  readonly name: string;
  readonly attempt: number;
  readonly is: readonly Stage[];
  readonly isAway?: true;
}

type Stage = "Creating" | "Created" | "Started" | "Exited" | "Deleted";
const STAGES: readonly Stage[] = ["Creating", "Created", "Started", "Exited", "Deleted"];

/** How a state may word it where the story stands. After a restart of the pod, or a create that failed, a life is planned anew. */
export const STATED_AS: Readonly<Record<Stage | "Away" | "none", readonly ContainerStatus[]>> = {
  none: ["planned"],
  Creating: ["creating"],
  Created: ["created"],
  Started: ["running"],
  Away: ["checkpointed"],
  Exited: ["exited"],
  Deleted: ["deleted", "planned"],
};

export class ContainerStory {
  readonly name: string;
  isCreating = false;
  isCreated = false;
  isStarted = false;
  isExited = false;
  isDeleted = false;
  /** Its processes are on disk. */
  isAway = false;
  #attempt = -1;

  constructor(name: string, from?: ContainerStoryJson) {
    this.name = name;
    this.#attempt = from?.attempt ?? -1;
    for (const stage of from?.is ?? []) this[`is${stage}`] = true;
    this.isAway = from?.isAway ?? false;
  }

  get isRunning(): boolean {
    return this.isStarted && !this.isExited && !this.isDeleted;
  }

  toJson(): ContainerStoryJson {
    const is = STAGES.filter((stage) => this[`is${stage}`]);
    return { name: this.name, attempt: this.#attempt, is, ...(this.isAway ? { isAway: true } : {}) };
  }

  get stage(): Stage | "Away" | "none" {
    if (this.isAway) return "Away";
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
    if (this.isCreated && !this.isExited && !this.isAway) wrong("order", "was deleted before it ended");
    if (this.isDeleted) wrong("once", "was deleted twice");
    this.isAway = false;
    if (this.isCreated) this.isDeleted = true;
    // A create that failed: it may be tried again.
    else {
      this.isCreating = false;
      this.isDeleted = this.#attempt > 0;
    }
  }
}
