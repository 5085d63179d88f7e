// Opens a path in a volume without ever leaving it. Whoever writes to the volume may put symlinks there at any instant, so
// each step is taken from a descriptor of the step before, and what is opened is what was looked at. A link is followed
// as far as it stays inside; one that leads out (or begins at /) is refused, as the kubelet does.

import { chmodSync, closeSync, constants, fstatSync, mkdirSync, openSync, readlinkSync } from "node:fs";
import { errnoOf, PeapodError } from "../base/errors.ts";

/** open(2); Node has no name for it. The same number on all processors that Node runs on. */
const O_PATH = 0o10000000;
/** As many links as the kernel follows (path_resolution(7)). */
const MOST_LINKS = 40;

export interface Opened {
  /** Opened with O_PATH: to be bound, not read. The caller closes it. */
  readonly fd: number;
  readonly isDirectory: boolean;
}

/**
 * Directories that are missing are made with the mode of the volume's own.
 * @param path relative, without `..`
 * @param mustExist nothing is made: what is missing is NOT_FOUND
 * @throws NOT_PERMITTED for a link that leads out, WRONG_STATE where a part is no directory
 */
export function openInside(volume: string, path: string, what: string, mustExist = false): Opened {
  const root = openSync(volume, O_PATH | constants.O_DIRECTORY);
  const mode = fstatSync(root).mode & 0o7777;
  /** From the volume's directory down to where we stand; `..` in a link goes back in it, never by the kernel. */
  const stack = [root];
  const waiting = path.split("/").filter((part) => part !== "" && part !== ".");
  try {
    for (let links = 0; waiting.length > 0; ) {
      const part = waiting.shift() as string;
      if (part === "..") {
        if (stack.length === 1) throw leadsOut(what);
        closeSync(stack.pop() as number);
        continue;
      }
      const at = `/proc/self/fd/${stack.at(-1)}/${part}`;
      const fd = openOrMake(at, mustExist ? undefined : mode, what);
      const found = fstatSync(fd);
      if (!found.isSymbolicLink()) {
        stack.push(fd);
        if (waiting.length > 0 && !found.isDirectory()) throw noDirectory(what, part);
        continue;
      }
      closeSync(fd);
      links += 1;
      const target = readlinkSync(at);
      if (target.startsWith("/") || links > MOST_LINKS) throw leadsOut(what);
      waiting.unshift(...target.split("/").filter((one) => one !== "" && one !== "."));
    }
    const fd = stack.pop() as number;
    return { fd, isDirectory: fstatSync(fd).isDirectory() };
  } finally {
    for (const fd of stack) closeSync(fd);
  }
}

/** `mode`: of a directory that is made where there is nothing; undefined: none is. */
function openOrMake(at: string, mode: number | undefined, what: string): number {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return openSync(at, O_PATH | constants.O_NOFOLLOW);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === "ENOTDIR") throw noDirectory(what, at.slice(at.lastIndexOf("/") + 1));
      if (errno !== "ENOENT" || attempt === 10) throw error;
      if (mode === undefined) throw new PeapodError("NOT_FOUND", `${what}: is not in the volume`);
    }
    makeDirectory(at, mode);
  }
}

/** Somebody else may make it, or something else of that name, at the same instant: it is opened and looked at anew. */
function makeDirectory(at: string, mode: number): void {
  try {
    mkdirSync(at, { mode });
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return;
    throw error;
  }
  const fd = openSync(at, O_PATH | constants.O_NOFOLLOW);
  try {
    // By descriptor, whatever lies there by now; the umask has no say.
    if (fstatSync(fd).isDirectory()) chmodSync(`/proc/self/fd/${fd}`, mode);
  } finally {
    closeSync(fd);
  }
}

function leadsOut(what: string): PeapodError {
  return new PeapodError("NOT_PERMITTED", `${what}: a symbolic link in it leads out of the volume`);
}

function noDirectory(what: string, part: string): PeapodError {
  return new PeapodError("WRONG_STATE", `${what}: ${part} is not a directory`);
}
