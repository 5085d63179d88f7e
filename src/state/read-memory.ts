// A journal to what it adds up to. Of one that was shortened only what came after the last sum is read.

import { closeSync, openSync } from "node:fs";
import { errnoOf, PeapodError } from "../base/errors.ts";
import type { Event } from "./event.ts";
import { type Memory, remember } from "./memory.ts";
import { damaged, isEvent, type Line, type ParsedJournal, readEachLine } from "./parse-journal.ts";
import { isShortenedLine, isSumLine, reviveMemory } from "./shortened.ts";

export interface ReadMemory extends Pick<ParsedJournal, "wholeBytes" | "torn"> {
  readonly memory: Memory;
  /** The last event that is in the sum, and where its line ends; 0 and 0 where there is none. */
  readonly sum: { readonly seq: number; readonly end: number };
}

/**
 * `planned`: what an empty journal adds up to. `assertNext` hears of each event before it is taken.
 * @throws STATE_DAMAGED, and what `assertNext` throws
 */
export function readMemory(
  fd: number,
  path: string,
  planned: Memory,
  assertNext: (memory: Memory, event: Event, lineNumber: number) => void = () => undefined,
): ReadMemory {
  const start = readSum(fd, path);
  let memory = start?.memory ?? planned;
  const rest = { from: start?.end ?? 0, firstLine: start === undefined ? 1 : start.lineNumber + 1 };
  const end = readEachLine(fd, path, rest, (line, lineNumber) => {
    if (!isEvent(line)) throw damaged(path, lineNumber, "is not an event");
    assertNext(memory, line, lineNumber);
    memory = remember(memory, line);
    return undefined;
  });
  return { memory, ...end, sum: { seq: start?.memory.state.cursor ?? 0, end: start?.end ?? 0 } };
}

/** As readMemory, of a journal that somebody else writes. @throws NOT_FOUND where there is none */
export function readMemoryAt(path: string, planned: Memory): Memory {
  const fd = openJournalToRead(path);
  try {
    return readMemory(fd, path, planned).memory;
  } finally {
    closeSync(fd);
  }
}

/** @throws NOT_FOUND */
export function openJournalToRead(path: string): number {
  try {
    return openSync(path, "r");
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
    throw new PeapodError("NOT_FOUND", `${path}: there is no journal`);
  }
}

interface FoundSum {
  readonly memory: Memory;
  readonly end: number;
  readonly lineNumber: number;
}

/** Undefined where the journal was never shortened. Jumps over what is kept for followers. */
function readSum(fd: number, path: string): FoundSum | undefined {
  const first = readLine(fd, path, { from: 0, firstLine: 1 });
  if (first === undefined || !isShortenedLine(first.line)) return undefined;
  const { keptBytes } = first.line;
  const second = readLine(fd, path, { from: first.end + keptBytes, firstLine: 2 });
  if (second === undefined || !isSumLine(second.line)) throw damaged(path, 1, "names a sum that is not there");
  const { memory, seq } = second.line;
  return { memory: reviveMemory(memory), end: second.end, lineNumber: seq - first.line.seq + 2 };
}

function readLine(
  fd: number,
  path: string,
  where: { readonly from: number; readonly firstLine: number },
): { readonly line: Line; readonly end: number } | undefined {
  let found: { readonly line: Line; readonly end: number } | undefined;
  readEachLine(fd, path, where, (line, _, end) => {
    found = { line, end };
    return "enough";
  });
  return found;
}
