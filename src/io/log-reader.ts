// A container's log as its lines: pieces of long lines put together again, rotated files one after the other, followed
// until the container's end where that is wanted. Only reads; io alone writes.

import { dirname } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { DirWatch } from "./dir-watch.ts";
import { LogFiles } from "./log-files.ts";
import { type LogPiece, parseLogLine, type StreamName } from "./log-line.ts";

/** A line beyond this comes in parts. */
const LINE_BYTES = 1024 * 1024;

export interface LogLine {
  /** When its end was read from the container; RFC 3339, UTC, nine digits of a second. */
  readonly time: string;
  readonly stream: StreamName;
  readonly text: string;
  /** The line goes on in the stream's next one. */
  readonly partial: boolean;
  /** Not the container's: output may be missing here, since its io was started again. */
  readonly restarted: boolean;
}

export interface LogRequest {
  /** The current file; rotated ones lie beside it. It need not be there yet. */
  readonly path: string;
  /** Only lines from this time on; in the form of `time`. */
  readonly since?: string;
  /** Only lines up to this time; in the form of `time`. The first later one ends it. */
  readonly before?: string;
  /** Only the last so many of the lines that are there already. */
  readonly tail?: number;
  /**
   * Goes on after the last line until this resolves (the container has ended and its io too), and then until all has
   * been read. Without it the end of what is there is the end.
   */
  readonly until?: Promise<unknown>;
  /** Aborted: ends quietly. */
  readonly signal?: AbortSignal;
}

export async function* readLog(request: LogRequest): AsyncGenerator<LogLine> {
  const { path, signal, until } = request;
  const files = new LogFiles(path);
  const watch = until === undefined ? undefined : new DirWatch(dirname(path));
  const wake = () => watch?.ring();
  signal?.addEventListener("abort", wake);
  let isEnded = until === undefined;
  const end = () => {
    isEnded = true;
    wake();
  };
  until?.then(end, end);
  try {
    yield* select(joinedLines(), request);
  } finally {
    signal?.removeEventListener("abort", wake);
    watch?.close();
    files.close();
  }

  /** `undefined` stands for each time that all which is there has been read. */
  async function* joinedLines(): AsyncGenerator<LogLine | undefined> {
    const joiner = new Joiner();
    while (!signal?.aborted) {
      // Asked before reading: what was written until the end is then read for certain.
      const isLast = isEnded;
      for (let lines = files.readNext(); lines !== undefined && !signal?.aborted; lines = files.readNext()) {
        for (const line of lines) yield* joiner.take(parseLogLine(line));
        // One that is written faster than it is read has no end: signals and all others have their turn in between.
        await turn();
      }
      if (isLast) yield* joiner.takeRest();
      yield undefined;
      if (isLast) return;
      await watch?.rung();
    }
  }
}

async function* select(
  lines: AsyncIterable<LogLine | undefined>,
  { since, before, tail }: LogRequest,
): AsyncGenerator<LogLine> {
  // io writes in the order of its clock, which somebody may have set back: what follows the end is looked at no more.
  let kept: LogLine[] | undefined = tail === undefined ? undefined : [];
  for await (const line of lines) {
    const isPast = line !== undefined && before !== undefined && line.time > before;
    if (line === undefined || isPast) {
      if (kept !== undefined) yield* kept.slice(Math.max(0, kept.length - (tail ?? 0)));
      kept = undefined;
      if (isPast) return;
      continue;
    }
    if (since !== undefined && line.time < since) continue;
    if (kept === undefined) yield line;
    // Cut rarely, so that each line costs the same.
    else if (kept.push(line) > 2 * (tail ?? 0) + 1024) kept = kept.slice(kept.length - (tail ?? 0));
  }
}

class Joiner {
  readonly #open = new Map<StreamName, { pieces: LogPiece[]; bytes: number }>();

  *take(piece: LogPiece | undefined): Generator<LogLine> {
    if (piece === undefined) return;
    // What was open when the last io died never got its end.
    if (piece.restarted) yield* this.takeRest();
    const open = this.#open.get(piece.stream) ?? { pieces: [], bytes: 0 };
    open.pieces.push(piece);
    open.bytes += piece.bytes.length;
    if (piece.partial && open.bytes < LINE_BYTES) {
      this.#open.set(piece.stream, open);
      return;
    }
    this.#open.delete(piece.stream);
    yield makeLine(open.pieces, piece.partial);
  }

  /** Lines that will get no end any more. */
  *takeRest(): Generator<LogLine> {
    for (const { pieces } of this.#open.values()) yield makeLine(pieces, false);
    this.#open.clear();
  }
}

function makeLine(pieces: readonly LogPiece[], partial: boolean): LogLine {
  const last = pieces.at(-1)!;
  const text = Buffer.concat(pieces.map((piece) => piece.bytes)).toString("utf8");
  return { time: last.time, stream: last.stream, text, partial, restarted: last.restarted };
}
