// The only place that writes to the user. Synchronous, on plain descriptors: nothing is lost when the process
// ends, and loading the stream and terminal modules is left to those who need them.

import { writeSync } from "node:fs";
import { isatty } from "node:tty";
import { errnoOf } from "../../base/errors.ts";
import { readColumns } from "./read-columns.ts";

export interface Output {
  out(text: string | Uint8Array): void;
  err(text: string | Uint8Array): void;
  /** Standard output is a terminal. */
  readonly isTerminal: boolean;
  /** Standard error is a terminal. */
  readonly isErrorTerminal: boolean;
  /** Standard error is a terminal on which a line can be drawn anew. */
  readonly errCanDraw: boolean;
  /** Width of the terminal of standard error at this moment; 80 where there is none. */
  readonly errColumns: number;
  /** Width of the terminal; 80 where there is none. */
  readonly columns: number;
  /** Standard output takes colours: a terminal, and nobody said NO_COLOR (no-color.org) or TERM=dumb. */
  readonly hasColors: boolean;
  /** Called once, when the reader of standard output is gone. Nothing more is written to it after that. */
  onClosed(handle: () => void): void;
}

export interface Descriptors {
  readonly out: number;
  readonly err: number;
}

/** What of the environment speaks of terminals. */
export interface OutputEnv {
  readonly COLUMNS?: string | undefined;
  readonly NO_COLOR?: string | undefined;
  readonly TERM?: string | undefined;
}

export function openOutput(fds: Descriptors, env: OutputEnv): Output {
  const closed = new Set<number>();
  const handlers: (() => void)[] = [];
  let width: number | undefined;
  function write(fd: number, text: string | Uint8Array): void {
    if (closed.has(fd) || writeAll(fd, text)) return;
    closed.add(fd);
    if (fd === fds.out) for (const handle of handlers.splice(0)) handle();
  }
  return {
    out: (text) => write(fds.out, text),
    err: (text) => write(fds.err, text),
    get isTerminal() {
      return isatty(fds.out);
    },
    get isErrorTerminal() {
      return isatty(fds.err);
    },
    get errCanDraw() {
      return isatty(fds.err) && env.TERM !== "dumb";
    },
    get errColumns() {
      return readColumns(fds.err) ?? (Number(env.COLUMNS) || 80);
    },
    get columns() {
      width ??= isatty(fds.out) ? process.stdout.columns : undefined;
      return width || Number(env.COLUMNS) || 80;
    },
    get hasColors() {
      return isatty(fds.out) && !env.NO_COLOR && env.TERM !== "dumb";
    },
    onClosed(handle) {
      if (closed.has(fds.out)) handle();
      else handlers.push(handle);
    },
  };
}

/** False when nobody reads any more (EPIPE), or the descriptor was never there. */
function writeAll(fd: number, text: string | Uint8Array): boolean {
  const bytes = typeof text === "string" ? Buffer.from(text) : text;
  let done = 0;
  while (done < bytes.length) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (error) {
      const errno = errnoOf(error);
      // Whoever shares the terminal or pipe may have made it non-blocking for all; then we wait our turn.
      if (errno === "EAGAIN") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
      else if (errno === "EPIPE" || errno === "EBADF" || errno === "EIO") return false;
      else throw error;
    }
  }
  return true;
}
