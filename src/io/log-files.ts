// Reads the files of one log as one sequence of lines, oldest first, while io may be rotating them: a file is known by
// its open descriptor, not by its name.

import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { errnoOf } from "../base/errors.ts";
import { readNames } from "../base/files.ts";

const CHUNK_BYTES = 64 * 1024;

/** The log's files that there are: `0.log.2`, `0.log.1`, `0.log`. */
export function listLogFiles(path: string): string[] {
  const prefix = `${basename(path)}.`;
  const numbers = readNames(dirname(path))
    .filter((name) => name.startsWith(prefix) && /^[1-9]\d*$/.test(name.slice(prefix.length)))
    .map((name) => Number(name.slice(prefix.length)))
    .sort((a, b) => b - a);
  return [...numbers.map((number) => join(dirname(path), `${prefix}${number}`)), path];
}

export class LogFiles {
  readonly #path: string;
  #fd: number | undefined;
  #offset = 0;
  /** A line that has no newline yet. */
  #rest = Buffer.alloc(0);

  constructor(path: string) {
    this.#path = path;
  }

  /** The whole lines that follow, without newlines; undefined where there are no more now. */
  readNext(): Buffer[] | undefined {
    for (;;) {
      if (this.#fd === undefined && !this.#openNext()) return undefined;
      const lines = this.#readChunk();
      if (lines !== undefined) return lines;
      if (!this.#isRotated()) return undefined;
      // io wrote its last into this file before it renamed it, perhaps since we last looked.
      const last = this.#readChunk();
      if (last !== undefined) return last;
      if (!this.#openNext()) return undefined;
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #readChunk(): Buffer[] | undefined {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    const length = readSync(this.#fd!, chunk, 0, CHUNK_BYTES, this.#offset);
    if (length === 0) return undefined;
    this.#offset += length;
    const bytes = Buffer.concat([this.#rest, chunk.subarray(0, length)]);
    const lines: Buffer[] = [];
    let from = 0;
    for (let to = bytes.indexOf(10); to !== -1; to = bytes.indexOf(10, from)) {
      lines.push(bytes.subarray(from, to));
      from = to + 1;
    }
    this.#rest = bytes.subarray(from);
    return lines;
  }

  #isRotated(): boolean {
    const now = inodeOf(this.#path);
    return now !== undefined && now !== fstatSync(this.#fd!).ino;
  }

  /** The file after ours, or the oldest where ours has been removed. Our open descriptor keeps its inode from being reused. */
  #openNext(): boolean {
    const ours = this.#fd === undefined ? undefined : fstatSync(this.#fd).ino;
    for (;;) {
      const files = readStableFiles(this.#path);
      const next = files[files.findIndex((file) => file.inode === ours) + 1];
      if (next === undefined) return false;
      const fd = openIfAny(next.path);
      // Renamed in between: the name is another file's now.
      if (fd !== undefined && fstatSync(fd).ino !== next.inode) closeSync(fd);
      else if (fd !== undefined) {
        this.close();
        this.#fd = fd;
        this.#offset = 0;
        this.#rest = Buffer.alloc(0);
        return true;
      }
    }
  }
}

interface NumberedFile {
  readonly path: string;
  readonly inode: number;
}

/**
 * A rotation in the middle of a look shifts the names under it, and a file would be passed over. Each rotation brings a
 * new inode, so two looks that agree saw none.
 */
function readStableFiles(path: string): readonly NumberedFile[] {
  for (let last = ""; ; ) {
    const files = readFiles(path);
    const seen = JSON.stringify(files);
    if (seen === last) return files;
    last = seen;
  }
}

function readFiles(path: string): NumberedFile[] {
  return listLogFiles(path).flatMap((file) => {
    const inode = inodeOf(file);
    return inode === undefined ? [] : [{ path: file, inode }];
  });
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

function openIfAny(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
