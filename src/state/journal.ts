// The pod's memory: one event a line, written before anybody is told. One writer at a time, the pod's supervisor.
// A line is there wholly or not at all, so what `state` says and what the file holds are always the same.

import { closeSync, constants, fstatSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { asPeapodError, PeapodError } from "../base/errors.ts";
import type { PodName } from "../base/names.ts";
import type { Event, Fact, Want } from "./event.ts";
import { applyEvent, makePlannedState } from "./fold.ts";
import type { ContainerOutline } from "./outline.ts";
import { readEachEvent } from "./parse-journal.ts";
import type { PodState } from "./pod-state.ts";
import { whyNot } from "./transitions.ts";

export interface JournalOptions {
  /** Milliseconds since 1970; the system's clock unless told. */
  readonly now?: () => number;
  /** For a full disk that need not be full. */
  readonly write?: (fd: number, line: Buffer) => number;
}

/**
 * Opens or makes the journal at `path`.
 * @throws STATE_DAMAGED where a whole line is no event, or tells what cannot have followed
 */
export function openJournal(
  path: string,
  pod: PodName,
  containers: readonly ContainerOutline[],
  options: JournalOptions = {},
): Journal {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_APPEND, 0o600);
  try {
    return new Journal(fd, path, makePlannedState(pod, containers), options);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

export class Journal {
  readonly path: string;
  /** What a crash or a full disk left of a line, cut off when this journal was opened; undefined: nothing. */
  readonly cut: string | undefined;
  readonly #fd: number;
  readonly #now: () => number;
  readonly #write: (fd: number, line: Buffer) => number;
  readonly #listeners = new Set<(event: Event) => void>();
  readonly #requests = new Set<string>();
  #state: PodState;
  #size: number;
  #lastTime = "";

  constructor(fd: number, path: string, planned: PodState, options: JournalOptions) {
    this.#fd = fd;
    this.path = path;
    this.#now = options.now ?? Date.now;
    this.#write = options.write ?? writeSync;
    this.#state = planned;
    const { wholeBytes, torn } = readEachEvent(fd, path, (event) => {
      const reason = event.seq === this.#state.cursor + 1 ? whyNot(this.#state, event) : "its number is out of order";
      if (reason !== undefined) {
        throw new PeapodError("STATE_DAMAGED", `${path}:${this.#state.cursor + 1}: ${reason}`, {
          hint: "run peapod doctor",
        });
      }
      this.#take(event);
    });
    this.#size = wholeBytes;
    this.cut = torn === "" ? undefined : torn;
    if (this.cut !== undefined) ftruncateSync(fd, wholeBytes);
  }

  get state(): PodState {
    return this.#state;
  }

  /** How often somebody asked for something, one asking that came twice counted once. */
  get requestCount(): number {
    return this.#requests.size;
  }

  /** Has `want` been asked for under this name? Then its caller asks again and need not be obeyed twice. */
  hasRequest(want: Want | "changed" | "checkpointed" | "restored", request: string): boolean {
    return this.#requests.has(requestKey(want, request));
  }

  /** Tells `listener` each event after it was written; the returned function ends that. */
  onEvent(listener: (event: Event) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when this holds: now, or after an event; looks no more then, nor when `signal` aborts. */
  until(isSo: () => boolean, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const leave = () => {
        this.#listeners.delete(look);
        resolve();
      };
      const look = () => {
        if (isSo()) leave();
      };
      this.#listeners.add(look);
      signal?.addEventListener("abort", leave);
      look();
    });
  }

  /**
   * Writes one fact in one write(2), then tells the listeners.
   * @throws BUG where it cannot follow what is there, OUT_OF_RESOURCES on a full disk; nothing is written then
   */
  append(fact: Fact): Event {
    const reason = whyNot(this.#state, fact);
    if (reason !== undefined) throw new PeapodError("BUG", `pod ${this.#state.pod}: ${reason}`, { detail: fact });
    const event = { seq: this.#state.cursor + 1, time: this.#nextTime(), pod: this.#state.pod, ...fact } as Event;
    this.#writeLine(Buffer.from(`${JSON.stringify(event)}\n`));
    this.#take(event);
    for (const listener of this.#listeners) listener(event);
    return event;
  }

  close(): void {
    this.#listeners.clear();
    closeSync(this.#fd);
  }

  #writeLine(line: Buffer): void {
    let failure: unknown;
    try {
      // write(2): on a disk that is nearly full it may write a part, and only the next one fails.
      if (this.#write(this.#fd, line) === line.length) {
        this.#size += line.length;
        return;
      }
      failure = new PeapodError("OUT_OF_RESOURCES", `${this.path}: no space left for an event`);
    } catch (error) {
      failure = error;
    }
    if (fstatSync(this.#fd).size > this.#size) ftruncateSync(this.#fd, this.#size);
    throw asPeapodError(failure, this.path);
  }

  #take(event: Event): void {
    this.#state = applyEvent(this.#state, event);
    this.#lastTime = event.time;
    if (event.type === "pod.wanted") this.#requests.add(requestKey(event.want, event.request));
    if (event.type === "pod.checkpointed") this.#requests.add(requestKey("checkpointed", event.request));
    if (event.type === "pod.restored") this.#requests.add(requestKey("restored", event.request));
    if (event.type === "pod.changing") this.#requests.add(requestKey("changed", event.request));
    if (event.type === "container.restarting") this.#requests.add(requestKey("restarted", event.request));
  }

  /** A clock that was set back must not make a later event look earlier. */
  #nextTime(): string {
    const time = new Date(this.#now()).toISOString();
    const isSetBack = time < this.#lastTime;
    return isSetBack ? this.#lastTime : time;
  }
}

function requestKey(want: Want | "changed" | "checkpointed" | "restored", request: string): string {
  return `${want} ${request}`;
}
