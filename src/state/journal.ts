// The pod's memory: one event a line, written before anybody is told. One writer at a time, the pod's supervisor.
// A line is there wholly or not at all, so what `state` says and what the file holds are always the same.

import { closeSync, constants, fstatSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { asPeapodError, PeapodError } from "../base/errors.ts";
import type { PodName } from "../base/names.ts";
import type { Event, Fact } from "./event.ts";
import { type Asked, type Memory, makeMemory, makeRequestKey, remember } from "./memory.ts";
import type { ContainerOutline } from "./outline.ts";
import { damaged } from "./parse-journal.ts";
import type { PodState } from "./pod-state.ts";
import { readMemory } from "./read-memory.ts";
import { whyNot } from "./transitions.ts";

export interface JournalOptions {
  /** Milliseconds since 1970; the system's clock unless told. */
  readonly now?: () => number;
  /** For a full disk that need not be full. */
  readonly write?: (fd: number, line: Buffer) => number;
}

/** What followers find surely: the last events, as long as their lines do not have more bytes than that. */
export interface Keep {
  readonly events: number;
  readonly bytes: number;
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
    return new Journal(fd, path, makeMemory(pod, containers), options);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

export class Journal {
  readonly path: string;
  /** What a crash or a full disk left of a line, cut off when this journal was opened; undefined: nothing. */
  readonly cut: string | undefined;
  #fd: number;
  readonly #planned: Memory;
  readonly #now: () => number;
  readonly #write: (fd: number, line: Buffer) => number;
  readonly #listeners = new Set<(event: Event) => void>();
  #memory: Memory;
  #size: number;
  /** The last event that is in the file's sum, and where that ends. */
  #sum: { readonly seq: number; readonly end: number };

  constructor(fd: number, path: string, planned: Memory, options: JournalOptions) {
    this.#fd = fd;
    this.path = path;
    this.#planned = planned;
    this.#now = options.now ?? Date.now;
    this.#write = options.write ?? writeSync;
    const { memory, sum, wholeBytes, torn } = readMemory(fd, path, planned, ({ state }, event, lineNumber) => {
      const reason = event.seq === state.cursor + 1 ? whyNot(state, event) : "its number is out of order";
      if (reason !== undefined) throw damaged(path, lineNumber, reason);
    });
    this.#memory = memory;
    this.#sum = sum;
    this.#size = wholeBytes;
    this.cut = torn === "" ? undefined : torn;
    if (this.cut !== undefined) ftruncateSync(fd, wholeBytes);
  }

  get state(): PodState {
    return this.#memory.state;
  }

  /** How often somebody asked for something, one asking that came twice counted once. */
  get requestCount(): number {
    return this.#memory.requestCount;
  }

  /** The last change of members that came to its end. */
  get change(): Memory["change"] {
    return this.#memory.change;
  }

  /** What whoever opens this journal has to fold. */
  get unsummed(): { readonly events: number; readonly bytes: number } {
    return { events: this.state.cursor - this.#sum.seq, bytes: this.#size - this.#sum.end };
  }

  /** Has `want` been asked for under this name? Then its caller asks again and need not be obeyed twice. */
  hasRequest(want: Asked, request: string): boolean {
    return this.#memory.requests.includes(makeRequestKey(want, request));
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
    const { pod, cursor } = this.state;
    const reason = whyNot(this.state, fact);
    if (reason !== undefined) throw new PeapodError("BUG", `pod ${pod}: ${reason}`, { detail: fact });
    const event = { seq: cursor + 1, time: this.#nextTime(), pod, ...fact } as Event;
    this.#writeLine(Buffer.from(`${JSON.stringify(event)}\n`));
    this.#memory = remember(this.#memory, event);
    for (const listener of this.#listeners) listener(event);
    return event;
  }

  /**
   * Puts a shorter file in its place that adds up to the same, with the last events as they were; all or nothing.
   * @throws STATE_DAMAGED where the file does not add up to what is remembered, OUT_OF_RESOURCES on a full disk
   */
  async shorten(keep: Keep): Promise<void> {
    const { writeShorterJournal } = await import("./shorten-journal.ts");
    // From here on nothing comes in between: nobody can append.
    const shorter = writeShorterJournal(
      { fd: this.#fd, path: this.path, size: this.#size, planned: this.#planned, memory: this.#memory },
      keep,
      this.#write,
    );
    closeSync(this.#fd);
    this.#fd = shorter.fd;
    this.#size = shorter.size;
    this.#sum = { seq: this.state.cursor, end: shorter.size };
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

  /** A clock that was set back must not make a later event look earlier. */
  #nextTime(): string {
    const time = new Date(this.#now()).toISOString();
    const { lastTime } = this.#memory;
    const isSetBack = time < lastTime;
    return isSetBack ? lastTime : time;
  }
}
