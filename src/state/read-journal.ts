// For those who only read a journal: its events so far, and those to come. Reads through one open descriptor, so that
// the last event is seen also when the pod's directory goes the moment after it was written.

import { closeSync, type FSWatcher, fstatSync, openSync, readSync, watch } from "node:fs";
import { errnoOf, PeapodError } from "../base/errors.ts";
import { readTextIfAny } from "../base/files.ts";
import type { Event } from "./event.ts";
import { parseJournal } from "./parse-journal.ts";

/** Where inotify has no watch left for us (`fs.inotify.max_user_watches`), we look this often. */
const POLL_MS = 200;

/**
 * The events after number `since`; 0: all.
 * @throws NOT_FOUND where there is no journal, STATE_DAMAGED
 */
export function readEvents(path: string, since: number): Event[] {
  const text = readTextIfAny(path);
  if (text === undefined) throw missing(path);
  return parseJournal(Buffer.from(text), path).events.filter((event) => event.seq > since);
}

/**
 * The events after number `since`, then each new one. Ends after `pod.deleted`, when the file is gone, or when `signal`
 * aborts.
 * @throws NOT_FOUND where there is no journal, STATE_DAMAGED
 */
export async function* followEvents(path: string, since: number, signal?: AbortSignal): AsyncGenerator<Event> {
  const reader = new JournalReader(path);
  const bell = new Bell(path, signal);
  try {
    while (!signal?.aborted) {
      // Asked before reading: what is written until the unlinking is then read for certain.
      const isGone = reader.isGone;
      for (const event of reader.readNew()) {
        if (event.seq > since) yield event;
        if (event.type === "pod.deleted") return;
        if (signal?.aborted) return;
      }
      if (isGone) return;
      await bell.rung();
    }
  } finally {
    bell.close();
    reader.close();
  }
}

class JournalReader {
  readonly #path: string;
  readonly #fd: number;
  /** All before it has been read; it stands at a line's start, so a torn line is read anew. */
  #offset = 0;

  constructor(path: string) {
    this.#path = path;
    try {
      this.#fd = openSync(path, "r");
    } catch (error) {
      throw errnoOf(error) === "ENOENT" ? missing(path) : error;
    }
  }

  get isGone(): boolean {
    return fstatSync(this.#fd).nlink === 0;
  }

  readNew(): readonly Event[] {
    const size = fstatSync(this.#fd).size - this.#offset;
    if (size <= 0) return [];
    const bytes = Buffer.alloc(size);
    const length = readSync(this.#fd, bytes, 0, size, this.#offset);
    const { events, wholeBytes } = parseJournal(bytes.subarray(0, length), this.#path);
    this.#offset += wholeBytes;
    return events;
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** Rings whenever the file may have changed; remembers a ring that nobody waited for. */
class Bell {
  #isRung = false;
  #wake: (() => void) | undefined;
  readonly #watcher: FSWatcher | undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #ring = (): void => {
    this.#isRung = true;
    this.#wake?.();
  };

  constructor(path: string, signal: AbortSignal | undefined) {
    this.#signal = signal;
    signal?.addEventListener("abort", this.#ring);
    try {
      // inotify(7): unlinking a file that is held open shows as a change of its attributes, which Node tells as well.
      this.#watcher = watch(path, this.#ring);
      this.#watcher.on("error", this.#ring);
    } catch {
      this.#timer = setInterval(this.#ring, POLL_MS);
    }
    // What happened between opening the file and watching it.
    this.#isRung = true;
  }

  rung(): Promise<void> {
    return new Promise((resolve) => {
      const take = (): void => {
        this.#isRung = false;
        this.#wake = undefined;
        resolve();
      };
      if (this.#isRung) take();
      else this.#wake = take;
    });
  }

  close(): void {
    this.#watcher?.close();
    clearInterval(this.#timer);
    this.#signal?.removeEventListener("abort", this.#ring);
  }
}

function missing(path: string): PeapodError {
  return new PeapodError("NOT_FOUND", `${path}: there is no journal`);
}
