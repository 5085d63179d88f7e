// A small file of a root file system that somebody else may be writing to at this moment, read without ever leaving it:
// each part of the path is opened from the directory before it and never followed by the kernel, so that a link swapped
// in between leads nowhere (what openat2(2) does with RESOLVE_IN_ROOT, for which Node has no call).

import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { errnoOf, PeapodError } from "../base/errors.ts";
import { readLinkIfAny } from "../base/files.ts";

/** As many links as the kernel follows (path_resolution(7)). */
const MOST_LINKS = 40;
/** open(2)'s flag for a descriptor that opens nothing: no FIFO waits, no device wakes. Node has no name for it. */
const O_PATH = 0o10000000;
const HOLD = O_PATH | constants.O_NOFOLLOW;

/**
 * Undefined where there is no such file, or a link to it leads nowhere.
 * @param root the directory that is `/` for links; opened as it is, so a magic link (`/proc/PID/root`) is followed
 * @param path absolute, as seen from `root`
 * @throws BAD_MANIFEST for what is no plain file, is larger than `maxBytes`, or leads round in a ring; NOT_PERMITTED
 */
export function readFileInside(root: string, path: string, maxBytes: number): Buffer | undefined {
  // The directories that we stand in, outermost first: `..` takes one away and cannot take the root.
  const held = [openSync(root, constants.O_RDONLY | constants.O_DIRECTORY)];
  try {
    const file = descend(held, path);
    return file === undefined ? undefined : readHeld(file, path, maxBytes);
  } finally {
    for (const fd of held) closeSync(fd);
  }
}

/** Throws as readFileInside does, but opens nothing and takes any size. */
export function assertPlainInside(root: string, path: string): void {
  const held = [openSync(root, constants.O_RDONLY | constants.O_DIRECTORY)];
  try {
    const file = descend(held, path);
    if (file !== undefined) assertPlain(fstatSync(file), path);
  } finally {
    for (const fd of held) closeSync(fd);
  }
}

/** The descriptor of what `path` is, held as the last of `held`. */
function descend(held: number[], path: string): number | undefined {
  const waiting = path.split("/").filter(Boolean);
  for (let links = 0; waiting.length > 0; ) {
    const part = waiting.shift() as string;
    if (part === ".") continue;
    if (part === "..") {
      if (held.length > 1) closeSync(held.pop() as number);
      continue;
    }
    const at = `/proc/self/fd/${held.at(-1)}/${part}`;
    const fd = openIfAny(at);
    if (fd === undefined) return undefined;
    if (!fstatSync(fd).isSymbolicLink()) {
      held.push(fd);
      continue;
    }
    closeSync(fd);
    links += 1;
    if (links > MOST_LINKS) throw new PeapodError("BAD_MANIFEST", `${path}: leads through too many symbolic links`);
    const target = readLinkIfAny(at);
    if (target === undefined) return undefined;
    if (target.startsWith("/")) for (const gone of held.splice(1)) closeSync(gone);
    waiting.unshift(...target.split("/").filter(Boolean));
  }
  return held.at(-1);
}

function readHeld(held: number, path: string, maxBytes: number): Buffer {
  const found = fstatSync(held);
  assertPlain(found, path);
  const fd = openSync(`/proc/self/fd/${held}`, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    // One byte more than is taken: it may grow while we read, and half a file would mislead.
    const bytes = Buffer.alloc(Math.min(found.size, maxBytes) + 1);
    let length = 0;
    for (let count = -1; count !== 0 && length < bytes.length; length += count) {
      count = readSync(fd, bytes, length, bytes.length - length, null);
    }
    if (length > maxBytes || found.size > maxBytes)
      throw new PeapodError("BAD_MANIFEST", `${path}: is larger than ${maxBytes} bytes`);
    return bytes.subarray(0, Math.min(length, found.size));
  } finally {
    closeSync(fd);
  }
}

function assertPlain(found: ReturnType<typeof fstatSync>, path: string): void {
  if (found.isFile()) return;
  throw new PeapodError("BAD_MANIFEST", `${path}: is ${wordFor(found)}, not a plain file`);
}

function wordFor(found: ReturnType<typeof fstatSync>): string {
  if (found.isDirectory()) return "a directory";
  if (found.isFIFO()) return "a FIFO";
  if (found.isSocket()) return "a socket";
  return "a device";
}

/** A name that is too long, or lies in what is no directory, is not there either. */
function openIfAny(path: string): number | undefined {
  try {
    return openSync(path, HOLD);
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "ENAMETOOLONG"].includes(errnoOf(error) ?? "")) return undefined;
    throw error;
  }
}
