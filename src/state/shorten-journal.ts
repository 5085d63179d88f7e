// Writes a journal anew without its oldest events: what they add up to, the last ones as they are, and what all add up to.
// The file takes the old one's place by one rename(2): whoever is killed, or has a full disk, leaves the one or the other.
// Nothing is dropped that was not held against the rules first, nor from a file that does not add up to what its writer
// remembers.

import { closeSync, constants, openSync, readSync, renameSync, rmSync } from "node:fs";
import { asPeapodError, PeapodError } from "../base/errors.ts";
import type { Event } from "./event.ts";
import type { Keep } from "./journal.ts";
import { type Memory, remember } from "./memory.ts";
import { NEWLINE, parseJournal } from "./parse-journal.ts";
import { reviveMemory, type ShortenedLine, type SumLine } from "./shortened.ts";
import { Checker, isSameMemory } from "./verify.ts";

export interface OldJournal {
  readonly fd: number;
  readonly path: string;
  readonly size: number;
  /** What an empty journal adds up to. */
  readonly planned: Memory;
  readonly memory: Memory;
}

/** What the rules were broken by is told as long as that is few. */
const MOST_VIOLATIONS = 20;

/** The new file is open, and ends with its sum. @throws STATE_DAMAGED, OUT_OF_RESOURCES */
export function writeShorterJournal(
  old: OldJournal,
  keep: Keep,
  write: (fd: number, bytes: Buffer) => number,
): { readonly fd: number; readonly size: number } {
  const bytes = makeShorterJournal(readWhole(old), old, keep);
  const side = `${old.path}.new`;
  let fd: number | undefined;
  try {
    fd = openSync(side, constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC | constants.O_APPEND, 0o600);
    for (let at = 0; at < bytes.length; ) at += write(fd, bytes.subarray(at));
    renameSync(side, old.path);
    return { fd, size: bytes.length };
  } catch (error) {
    if (fd !== undefined) closeSync(fd);
    rmSync(side, { force: true });
    throw asPeapodError(error, old.path);
  }
}

/** Pure. @throws STATE_DAMAGED */
export function makeShorterJournal(
  bytes: Buffer,
  { path, planned, memory }: Pick<OldJournal, "path" | "planned" | "memory">,
  keep: Keep,
): Buffer {
  const { events, shortened } = parseJournal(bytes, path);
  const lines = eventLinesOf(bytes, shortened?.keptBytes);
  const dropped = events.slice(0, lines.length - countKept(lines, keep));
  const checker = new Checker(shortened);
  let base = shortened === undefined ? planned : reviveMemory(shortened.memory);
  for (const event of dropped) {
    checker.take(event);
    base = remember(base, event);
  }
  assertAddsUp(path, base, events.slice(dropped.length), memory);
  const kept = Buffer.concat(lines.slice(dropped.length));
  const { pod } = memory.state;
  const first: ShortenedLine = {
    type: "journal.shortened",
    seq: base.state.cursor,
    pod,
    violations: checker.violations.map(({ message }) => message).slice(0, MOST_VIOLATIONS),
    story: checker.story,
    memory: base,
    keptBytes: kept.length,
  };
  const sum: SumLine = { type: "journal.sum", seq: memory.state.cursor, pod, memory };
  return Buffer.concat([toLine(first), kept, toLine(sum)]);
}

function assertAddsUp(path: string, base: Memory, kept: readonly Event[], memory: Memory): void {
  if (isSameMemory(kept.reduce(remember, base), memory)) return;
  throw new PeapodError("STATE_DAMAGED", `${path}: does not add up to what was written there`);
}

/** Whole lines, newline included, without our own. `keptBytes`: where the journal was shortened before. */
function eventLinesOf(bytes: Buffer, keptBytes: number | undefined): Buffer[] {
  if (keptBytes === undefined) return splitLines(bytes);
  const from = bytes.indexOf(NEWLINE) + 1;
  const to = from + keptBytes;
  return [...splitLines(bytes.subarray(from, to)), ...splitLines(bytes.subarray(bytes.indexOf(NEWLINE, to) + 1))];
}

function splitLines(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  let from = 0;
  for (let to = bytes.indexOf(NEWLINE); to !== -1; to = bytes.indexOf(NEWLINE, from)) {
    lines.push(bytes.subarray(from, to + 1));
    from = to + 1;
  }
  return lines;
}

function countKept(lines: readonly Buffer[], keep: Keep): number {
  let bytes = 0;
  let count = 0;
  for (const line of lines.slice(-keep.events).reverse()) {
    bytes += line.length;
    if (bytes > keep.bytes) break;
    count += 1;
  }
  return count;
}

function toLine(line: ShortenedLine | SumLine): Buffer {
  return Buffer.from(`${JSON.stringify(line)}\n`);
}

function readWhole({ fd, size }: OldJournal): Buffer {
  const bytes = Buffer.alloc(size);
  let at = 0;
  while (at < size) {
    const length = readSync(fd, bytes, at, size - at, at);
    if (length === 0) break;
    at += length;
  }
  return bytes.subarray(0, at);
}
