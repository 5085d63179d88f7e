// The texts that a manifest is made of, from where the user has them: files, or standard input.

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { asPeapodError, errnoOf, PeapodError } from "../base/errors.ts";
import { badManifest, wholeFault } from "./faults.ts";

/** A pod of a hundred containers takes 50 KB. */
export const MAX_KIB = 512;
const MAX_BYTES = MAX_KIB * 1024;

/** A manifest's text, for who has not the file; `file` is what faults call it. */
export interface WrittenManifest {
  readonly text: string;
  readonly file: string;
  /** Absolute directory that relative paths of the manifest start from. */
  readonly baseDir: string;
  /** ConfigMaps and Secrets beside those in the manifest's own text. */
  readonly configTexts?: readonly ConfigText[];
}

/** A text of ConfigMaps and Secrets, and what faults call it. */
export interface ConfigText {
  readonly file: string;
  readonly text: string;
}

/** What comes beside the manifest's own text. */
export interface ReadMore {
  readonly stdinText?: string;
  /** Files with ConfigMaps and Secrets. */
  readonly configFiles?: readonly string[];
}

/** `path`: `-` is standard input. @throws BAD_MANIFEST, NOT_FOUND, NOT_PERMITTED */
export function readWritten(path: string, { stdinText, configFiles = [] }: ReadMore): WrittenManifest {
  const configTexts = configFiles.map((file) => ({ file, text: readFile(file) }));
  const more = configTexts.length === 0 ? {} : { configTexts };
  if (path === "-") return { text: stdinText ?? readText("-", 0), file: "-", baseDir: resolve("."), ...more };
  return { text: readFile(path), file: path, baseDir: dirname(resolve(path)), ...more };
}

function readFile(path: string): string {
  const fd = openManifest(path);
  try {
    return readText(path, fd);
  } finally {
    closeSync(fd);
  }
}

function openManifest(path: string): number {
  try {
    const fd = openSync(path, "r");
    if (!fstatSync(fd).isDirectory()) return fd;
    closeSync(fd);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT" || errno === "ENOTDIR")
      throw new PeapodError("NOT_FOUND", `manifest ${path}: does not exist`);
    throw asPeapodError(error, `manifest ${path}`);
  }
  throw badManifest([wholeFault(path, "is a directory, not a file")]);
}

/** Reads no more than could be a manifest: the file may be a device without end. */
function readText(file: string, fd: number): string {
  const bytes = Buffer.allocUnsafe(MAX_BYTES + 1);
  let length = 0;
  for (;;) {
    const count = readSome(file, fd, bytes.subarray(length));
    length += count;
    if (count === 0 || length === bytes.length) break;
  }
  if (length > MAX_BYTES) throw badManifest([wholeFault(file, `is larger than ${MAX_KIB} KiB`)]);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, length));
  } catch {
    throw badManifest([wholeFault(file, "is not UTF-8 text")]);
  }
}

function readSome(file: string, fd: number, into: Buffer): number {
  for (;;) {
    try {
      return readSync(fd, into, 0, into.length, null);
    } catch (error) {
      if (errnoOf(error) !== "EAGAIN") throw asPeapodError(error, `manifest ${file}`);
      // Standard input may be a pipe that somebody made non-blocking: its writer is not ready yet.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}
