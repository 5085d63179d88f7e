// Journal text to events. The last line may be torn (its writer died, or the disk was full): it is no event, and it is
// handed back as what it is. Any other line that does not parse means damage, and is never skipped.

import { readSync } from "node:fs";
import { PeapodError } from "../base/errors.ts";
import type { Event } from "./event.ts";
import { isShortenedLine, isSumLine, type ShortenedLine, type SumLine } from "./shortened.ts";

export interface ParsedJournal {
  readonly events: readonly Event[];
  /** Where the text begins with what is not kept any more. */
  readonly shortened: ShortenedLine | undefined;
  readonly sum: SumLine | undefined;
  /** Bytes up to and including the last line's end; what follows them is torn. */
  readonly wholeBytes: number;
  /** The torn rest as text; empty where there is none. */
  readonly torn: string;
}

export type Line = Event | ShortenedLine | SumLine;

export const NEWLINE = 0x0a;
const CHUNK_BYTES = 64 * 1024;

/** @throws STATE_DAMAGED for a whole line that is not an event */
export function parseJournal(bytes: Buffer, path: string): ParsedJournal {
  const wholeBytes = bytes.lastIndexOf(NEWLINE) + 1;
  const texts = wholeBytes === 0 ? [] : bytes.toString("utf8", 0, wholeBytes - 1).split("\n");
  const lines = texts.map((line, index) => parseLine(line, path, index + 1));
  return {
    events: lines.filter(isEvent),
    shortened: lines.find(isShortenedLine),
    sum: lines.find(isSumLine),
    wholeBytes,
    torn: bytes.toString("utf8", wholeBytes),
  };
}

/**
 * Line by line from byte `from` on, so that a journal of any length takes no more memory than a short one. `take` hears
 * each line's number, the first one being `firstLine`, and says whether it has enough.
 * @throws STATE_DAMAGED for a whole line that is not an event, and what `take` throws
 */
export function readEachLine(
  fd: number,
  path: string,
  { from, firstLine }: { readonly from: number; readonly firstLine: number },
  take: (line: Line, lineNumber: number, end: number) => "enough" | undefined,
): Pick<ParsedJournal, "wholeBytes" | "torn"> {
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let rest = Buffer.alloc(0);
  let wholeBytes = from;
  let lineNumber = firstLine - 1;
  for (let offset = from; ; ) {
    const length = readSync(fd, chunk, 0, CHUNK_BYTES, offset);
    if (length === 0) return { wholeBytes, torn: rest.toString("utf8") };
    offset += length;
    const bytes = Buffer.concat([rest, chunk.subarray(0, length)]);
    let start = 0;
    for (let to = bytes.indexOf(NEWLINE); to !== -1; to = bytes.indexOf(NEWLINE, start)) {
      lineNumber += 1;
      const line = parseLine(bytes.toString("utf8", start, to), path, lineNumber);
      wholeBytes += to + 1 - start;
      start = to + 1;
      if (take(line, lineNumber, wholeBytes) === "enough") return { wholeBytes, torn: "" };
    }
    rest = bytes.subarray(start);
  }
}

export function isEvent(line: Line): line is Event {
  return !isShortenedLine(line) && !isSumLine(line);
}

function parseLine(text: string, path: string, lineNumber: number): Line {
  try {
    const line: unknown = JSON.parse(text);
    // Our own writing, in a directory of mode 0700: its shape is checked only as far as damage would show.
    if (typeof line === "object" && line !== null && "seq" in line && "type" in line) return line as Line;
  } catch {
    // Told below, together with JSON that is no event.
  }
  throw damaged(path, lineNumber, "is not an event", { line: text.slice(0, 200) });
}

export function damaged(path: string, lineNumber: number, what: string, detail?: unknown): PeapodError {
  return new PeapodError("STATE_DAMAGED", `${path}:${lineNumber}: ${what}`, {
    ...(detail === undefined ? {} : { detail }),
    hint: "run peapod doctor",
  });
}
