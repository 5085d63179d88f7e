// What is to be read of a reaper's `exits`. The file only grows, so that an offset names one exit for ever; of its beginning
// all is claimed but what `exits-claimed` says, and the pages there may have been given back (a hole reads as zeros).

import { closeSync, openSync, readSync } from "node:fs";
import { errnoOf } from "../base/errors.ts";
import { readOwnJson } from "../base/files.ts";
import type { ExitLine } from "./exit.ts";
import { parseExitLines } from "./exit-lines.ts";

const CHUNK_BYTES = 64 * 1024;

export interface ClaimedExits {
  /** Before it nobody looks for an exit. */
  readonly offset: number;
  /** But for these, which stood there. */
  readonly lines: readonly ExitLine[];
  /** The `offset` of the one before. Somebody may just read from there: what lies before that only goes. */
  readonly before: number;
}

const NOTHING: ClaimedExits = { offset: 0, lines: [], before: 0 };

/** @throws STATE_DAMAGED */
export function readClaimed(exits: string): ClaimedExits {
  return readOwnJson<ClaimedExits>(claimedFile(exits)) ?? NOTHING;
}

/** All that somebody may look for, in the file's order. @throws STATE_DAMAGED */
export function readExitLines(exits: string): readonly ExitLine[] {
  const { offset, lines } = readClaimed(exits);
  return [...lines, ...parseExitLines(readExitsFrom(exits, offset), offset).lines];
}

/** Empty where there is no file: the pod is over, and what was in it has been read or concerns nobody. */
export function readExitsFrom(exits: string, offset: number): string {
  let fd: number;
  try {
    fd = openSync(exits, "r");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return "";
    throw error;
  }
  try {
    const chunks: Buffer[] = [];
    for (let at = offset; ; ) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const length = readSync(fd, chunk, 0, CHUNK_BYTES, at);
      chunks.push(chunk.subarray(0, length));
      at += length;
      if (length < CHUNK_BYTES) return Buffer.concat(chunks).toString("latin1");
    }
  } finally {
    closeSync(fd);
  }
}

export function claimedFile(exits: string): string {
  return `${exits}-claimed`;
}
