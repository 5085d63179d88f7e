// Journal text to events. The last line may be torn (its writer died, or the disk was full): it is no event, and it is
// handed back as what it is. Any other line that does not parse means damage, and is never skipped.

import { readSync } from "node:fs";
import { PeapodError } from "../base/errors.ts";
import type { Event } from "./event.ts";

export interface ParsedJournal {
  readonly events: readonly Event[];
  /** Bytes up to and including the last line's end; what follows them is torn. */
  readonly wholeBytes: number;
  /** The torn rest as text; empty where there is none. */
  readonly torn: string;
}

const NEWLINE = 0x0a;
const CHUNK_BYTES = 64 * 1024;

/** @throws STATE_DAMAGED for a whole line that is not an event */
export function parseJournal(bytes: Buffer, path: string): ParsedJournal {
  const wholeBytes = bytes.lastIndexOf(NEWLINE) + 1;
  const lines = wholeBytes === 0 ? [] : bytes.toString("utf8", 0, wholeBytes - 1).split("\n");
  return {
    events: lines.map((line, index) => parseEvent(line, path, index + 1)),
    wholeBytes,
    torn: bytes.toString("utf8", wholeBytes),
  };
}

/**
 * Event by event, so that a journal of any length takes no more memory than a short one. `fd` stands at its beginning.
 * @throws STATE_DAMAGED for a whole line that is not an event, and what `take` throws
 */
export function readEachEvent(
  fd: number,
  path: string,
  take: (event: Event) => void,
): Pick<ParsedJournal, "wholeBytes" | "torn"> {
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let rest = Buffer.alloc(0);
  let wholeBytes = 0;
  let lineNumber = 0;
  for (let offset = 0; ; ) {
    const length = readSync(fd, chunk, 0, CHUNK_BYTES, offset);
    if (length === 0) return { wholeBytes, torn: rest.toString("utf8") };
    offset += length;
    const bytes = Buffer.concat([rest, chunk.subarray(0, length)]);
    let from = 0;
    for (let to = bytes.indexOf(NEWLINE); to !== -1; to = bytes.indexOf(NEWLINE, from)) {
      lineNumber += 1;
      take(parseEvent(bytes.toString("utf8", from, to), path, lineNumber));
      from = to + 1;
    }
    wholeBytes += from;
    rest = bytes.subarray(from);
  }
}

function parseEvent(line: string, path: string, lineNumber: number): Event {
  try {
    const event: unknown = JSON.parse(line);
    // Our own writing, in a directory of mode 0700: its shape is checked only as far as damage would show.
    if (typeof event === "object" && event !== null && "seq" in event && "type" in event) return event as Event;
  } catch {
    // Told below, together with JSON that is no event.
  }
  throw new PeapodError("STATE_DAMAGED", `${path}:${lineNumber}: is not an event`, {
    detail: { line: line.slice(0, 200) },
    hint: "run peapod doctor",
  });
}
