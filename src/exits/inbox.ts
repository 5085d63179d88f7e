// Exits wait here until their owner claims them: one may be told before the call that made its process has returned.
// A cache over the reaper's `exits` file: made anew, it knows all that the last one knew, but who claimed what.

import { closeSync, openSync, readSync } from "node:fs";
import { errnoOf } from "../base/errors.ts";
import type { Exit, ExitLine } from "./exit.ts";
import { parseExitLines } from "./exit-lines.ts";
import { isProcessGone } from "./process-gone.ts";

const CHUNK_BYTES = 64 * 1024;
const MOST_UNCLAIMED = 4096;
/** A process that is not the reaper's child ends without a line: we look for it this often. */
const LOOK_MS = 20;

export class ExitInbox {
  readonly #path: string;
  #end = 0;
  /** Read from the file, but not given out by readNew yet. */
  #fresh: ExitLine[] = [];
  readonly #unclaimed = new Set<ExitLine>();
  readonly #watchers = new Set<() => void>();

  constructor(path: string) {
    this.#path = path;
  }

  /** Byte offset after the last line of the file: an exit that comes from now on stands there or later. */
  get end(): number {
    this.#pull();
    return this.#end;
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
    const text = this.#readRest();
    if (text === "") return;
    const { lines, end } = parseExitLines(text, this.#end);
    this.#end = end;
    if (lines.length === 0) return;
    this.#fresh.push(...lines);
    for (const line of lines) this.#unclaimed.add(line);
    this.#forgetOldest();
    for (const look of [...this.#watchers]) look();
  }

  /** Most lines are nobody's: helpers of a call that the reaper adopted. What is claimed is claimed soon. */
  #forgetOldest(): void {
    for (const line of this.#unclaimed) {
      if (this.#unclaimed.size <= MOST_UNCLAIMED) return;
      this.#unclaimed.delete(line);
    }
  }

  #readRest(): string {
    let fd: number;
    try {
      fd = openSync(this.#path, "r");
    } catch (error) {
      // Unlinked: the pod is over, and what was in it has been read or concerns nobody.
      if (errnoOf(error) === "ENOENT") return "";
      throw error;
    }
    try {
      const chunks: Buffer[] = [];
      for (let offset = this.#end; ; ) {
        const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
        const length = readSync(fd, chunk, 0, CHUNK_BYTES, offset);
        chunks.push(chunk.subarray(0, length));
        offset += length;
        if (length < CHUNK_BYTES) return Buffer.concat(chunks).toString("latin1");
      }
    } finally {
      closeSync(fd);
    }
  }
}
