// For those who only read a journal: its events so far, and those to come. Reads through one open descriptor, so that
// the last event is seen also when the pod's directory goes the moment after it was written, and goes on in the file that
// takes its place when it is shortened. Whoever asks for what is not kept any more is told, never served less.

import { closeSync, fstatSync, readFileSync, readSync, statSync } from "node:fs";
import { PeapodError } from "../base/errors.ts";
import type { Event } from "./event.ts";
import { FileBell } from "./file-bell.ts";
import { type Memory, remember } from "./memory.ts";
import { type ParsedJournal, parseJournal } from "./parse-journal.ts";
import type { PodState } from "./pod-state.ts";
import { openJournalToRead } from "./read-memory.ts";
import { reviveMemory, type ShortenedLine } from "./shortened.ts";

/**
 * The events after number `since`; 0: all; undefined: all that are kept.
 * @throws NOT_FOUND where there is no journal, TOO_OLD where events after `since` are not kept any more, STATE_DAMAGED
 */
export function readEvents(path: string, since: number | undefined): Event[] {
  const fd = openJournalToRead(path);
  try {
    const { events, shortened } = parseJournal(readFileSync(fd), path);
    assertKept(shortened, since);
    return events.filter((event) => event.seq > (since ?? 0));
  } finally {
    closeSync(fd);
  }
}

/**
 * The events after number `since`, then each new one. Ends after `pod.deleted`, when the file is gone, or when `signal`
 * aborts.
 * @throws NOT_FOUND where there is no journal, STATE_DAMAGED, TOO_OLD as readEvents, and where the caller takes events so
 * slowly that they are gone before he comes to them
 */
export async function* followEvents(
  path: string,
  since: number | undefined,
  signal?: AbortSignal,
): AsyncGenerator<Event> {
  let cursor = since;
  for await (const { events, shortened } of followParts(path, signal)) {
    assertKept(shortened, cursor);
    for (const event of events) {
      if (event.seq <= (cursor ?? 0)) continue;
      yield event;
      cursor = event.seq;
      if (signal?.aborted) return;
    }
  }
}

/**
 * The state after each event that comes after number `since`. Where those are not kept any more, what they added up to,
 * and on from there. `planned`: what an empty journal adds up to. Ends as followEvents does.
 * @throws NOT_FOUND where there is no journal, STATE_DAMAGED
 */
export async function* followStates(
  path: string,
  planned: Memory,
  since: number,
  signal?: AbortSignal,
): AsyncGenerator<PodState> {
  let memory = planned;
  for await (const { events, shortened, sum } of followParts(path, signal)) {
    // Nobody asks for the states on the way to the sum.
    const start = sum !== undefined && sum.seq <= since ? sum : shortened;
    if (start !== undefined && start.seq > memory.state.cursor) {
      memory = reviveMemory(start.memory);
      if (start.seq > since) yield memory.state;
    }
    for (const event of events) {
      if (event.seq <= memory.state.cursor) continue;
      memory = remember(memory, event);
      if (event.seq > since) yield memory.state;
      if (signal?.aborted) return;
    }
  }
}

type Part = Pick<ParsedJournal, "events" | "shortened" | "sum">;

/** The file's parts as they are written, then those of the file that takes its place; events may come again with that. */
async function* followParts(path: string, signal?: AbortSignal): AsyncGenerator<Part> {
  let reader = new JournalReader(path);
  let bell = new FileBell(path, signal);
  try {
    while (!signal?.aborted) {
      // Asked before reading: what is written until it is replaced is then read for certain.
      const { isAway } = reader;
      const part = reader.readNew();
      yield part;
      if (part.events.at(-1)?.type === "pod.deleted") return;
      if (!isAway) {
        await bell.rung();
        continue;
      }
      const next = reader.openNext();
      if (next === undefined) return;
      bell.close();
      reader.close();
      reader = next;
      bell = new FileBell(path, signal);
    }
  } finally {
    bell.close();
    reader.close();
  }
}

function assertKept(shortened: ShortenedLine | undefined, since: number | undefined): void {
  if (shortened === undefined || since === undefined || since >= shortened.seq) return;
  const { seq: oldest, pod } = shortened;
  throw new PeapodError("TOO_OLD", `pod ${pod}: events ${since + 1} to ${oldest} are not kept any more`, {
    detail: { since, oldest },
    hint: `peapod state ${pod} has what they led to, go on with the cursor in it; the oldest that is kept is ${oldest}`,
  });
}

class JournalReader {
  readonly #path: string;
  readonly #fd: number;
  /** All before it has been read; it stands at a line's start, so a torn line is read anew. */
  #offset = 0;
  /** Tells this pod from a later one of the same name. */
  #plannedAt: string | undefined;

  /** @throws NOT_FOUND */
  constructor(path: string) {
    this.#path = path;
    this.#fd = openJournalToRead(path);
  }

  /** The name is gone, or leads to another file. */
  get isAway(): boolean {
    const own = fstatSync(this.#fd);
    const there = statSync(this.#path, { throwIfNoEntry: false });
    return there === undefined || there.ino !== own.ino || there.dev !== own.dev;
  }

  readNew(): Part {
    const size = fstatSync(this.#fd).size - this.#offset;
    if (size <= 0) return { events: [], shortened: undefined, sum: undefined };
    const bytes = Buffer.alloc(size);
    const length = readSync(this.#fd, bytes, 0, size, this.#offset);
    const { events, shortened, sum, wholeBytes } = parseJournal(bytes.subarray(0, length), this.#path);
    this.#offset += wholeBytes;
    this.#plannedAt ??= shortened === undefined ? events[0]?.time : (shortened.memory.plannedAt ?? events[0]?.time);
    return { events, shortened, sum };
  }

  /** What goes on where this one ends: of the same pod, and shortened. Undefined where the pod is gone. */
  openNext(): JournalReader | undefined {
    let next: JournalReader;
    try {
      next = new JournalReader(this.#path);
    } catch (error) {
      if (error instanceof PeapodError && error.code === "NOT_FOUND") return undefined;
      throw error;
    }
    const { shortened } = next.readNew();
    next.#offset = 0;
    const isSamePod = this.#plannedAt === undefined || next.#plannedAt === this.#plannedAt;
    if (shortened !== undefined && isSamePod) return next;
    next.close();
    return undefined;
  }

  close(): void {
    closeSync(this.#fd);
  }
}
