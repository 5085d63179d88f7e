// Exits wait here until their owner claims them: one may be told before the call that made its process has returned.
// A cache over the reaper's `exits` file: made anew, it knows all that the last one knew, but who claimed what.

import { writeFileAtomic } from "../base/files.ts";
import type { Exit, ExitLine } from "./exit.ts";
import { parseExitLines } from "./exit-lines.ts";
import { isProcessGone } from "./process-gone.ts";
import { type ClaimedExits, claimedFile, readClaimed, readExitsFrom } from "./read-exits.ts";

/** A process that is not the reaper's child ends without a line: we look for it this often. */
const LOOK_MS = 20;

export class ExitInbox {
  readonly #path: string;
  #claimed: ClaimedExits;
  #end: number;
  /** Read from the file, but not given out by readNew yet. */
  #fresh: ExitLine[] = [];
  readonly #unclaimed: Set<ExitLine>;
  readonly #watchers = new Set<() => void>();

  constructor(path: string) {
    this.#path = path;
    this.#claimed = readClaimed(path);
    this.#end = this.#claimed.offset;
    this.#unclaimed = new Set(this.#claimed.lines);
  }

  /** Byte offset after the last line of the file: an exit that comes from now on stands there or later. */
  get end(): number {
    this.#pull();
    return this.#end;
  }

  /** As `end`, but of what has been read: nobody was told of what came since. */
  get known(): number {
    return this.#end;
  }

  /** How much of the file the next inbox would read. */
  get unforgottenBytes(): number {
    return this.#end - this.#claimed.offset;
  }

  /**
   * Nobody will look for an exit that stands before `offset`, but for those of these processes; the next inbox begins
   * there. Returns up to where the file's pages can be given back.
   * @throws the system's error on a full disk; then nothing is forgotten
   */
  forget(offset: number, wanted: ReadonlySet<number>): number {
    const { offset: from, lines: older } = this.#claimed;
    // What was given up cannot be looked for again.
    if (offset <= from) return this.#claimed.before;
    const { lines } = parseExitLines(readExitsFrom(this.#path, from), from);
    // From the file: what one supervisor has claimed may be looked for by the next.
    const kept = [...older, ...lines].filter((line) => line.offset < offset && wanted.has(line.pid));
    const claimed = { offset, lines: kept, before: from };
    writeFileAtomic(claimedFile(this.#path), JSON.stringify(claimed));
    this.#claimed = claimed;
    for (const line of this.#unclaimed) if (line.offset < offset && !wanted.has(line.pid)) this.#unclaimed.delete(line);
    return from;
  }

  /** The lines since the last call, in the file's order. */
  readNew(): readonly ExitLine[] {
    this.#pull();
    const lines = this.#fresh;
    this.#fresh = [];
    return lines;
  }

  /** The exit of the process that had this pid from `sinceOffset` on, once; pids come round again, offsets do not. */
  claim(pid: number, sinceOffset: number): Exit | undefined {
    this.#pull();
    for (const line of this.#unclaimed) {
      if (line.pid !== pid || line.offset < sinceOffset) continue;
      this.#unclaimed.delete(line);
      return line.exit;
    }
    return undefined;
  }

  unclaimed(): readonly ExitLine[] {
    this.#pull();
    return [...this.#unclaimed];
  }

  /** Claims the exit as soon as it is there. Somebody must call readNew at each ring of the bell. */
  waitFor(pid: number, sinceOffset: number, signal?: AbortSignal): Promise<Exit> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#watchers.delete(look);
        signal?.removeEventListener("abort", abort);
      };
      const abort = () => {
        leave();
        reject(signal?.reason);
      };
      const look = () => {
        const exit = this.claim(pid, sinceOffset);
        if (exit === undefined) return;
        leave();
        resolve(exit);
      };
      if (signal?.aborted) return reject(signal.reason);
      this.#watchers.add(look);
      signal?.addEventListener("abort", abort);
      look();
    });
  }

  /** Resolves when no such process runs any more, claiming nothing, or after `timeoutMs`. */
  waitForEnd(pid: number, timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      if (isProcessGone(pid)) return resolve();
      const leave = () => {
        clearTimeout(deadline);
        clearInterval(timer);
        this.#watchers.delete(look);
        resolve();
      };
      const look = () => {
        if (isProcessGone(pid)) leave();
      };
      const deadline = setTimeout(leave, timeoutMs);
      const timer = setInterval(look, LOOK_MS);
      this.#watchers.add(look);
    });
  }

  #pull(): void {
    const text = readExitsFrom(this.#path, this.#end);
    if (text === "") return;
    const { lines, end } = parseExitLines(text, this.#end);
    this.#end = end;
    if (lines.length === 0) return;
    this.#fresh.push(...lines);
    for (const line of lines) this.#unclaimed.add(line);
    for (const look of [...this.#watchers]) look();
  }
}
