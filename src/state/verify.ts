// The checker of journals: is this a story that can have happened, told once and in order? Pure, and written without
// the table by which journals are made, so that a mistake there does not hide here.

import { isDeepStrictEqual } from "node:util";
import type { Rule, Tell } from "./container-story.ts";
import type { Event } from "./event.ts";
import type { Memory } from "./memory.ts";
import type { PodState } from "./pod-state.ts";
import { PodStory, type StoryJson } from "./pod-story.ts";

export interface Violation {
  /** Which event, by its number; undefined: the story as a whole. */
  readonly seq: number | undefined;
  readonly rule: Rule;
  /** `container web: exited before it was created`. */
  readonly message: string;
}

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
