// Whole files, all or nothing: written to a side name in the same directory and renamed.

import { mkdirSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { errnoOf, PeapodError } from "./errors.ts";

let sides = 0;

/** With our pid unique among all who may write beside us. */
function nextSide(): number {
  sides += 1;
  return sides;
}

/** Replaces `path` in one instant; a reader sees the old text or the new one, a full disk leaves the old one. */
export function writeFileAtomic(path: string, text: string, mode = 0o600): void {
  const side = `${path}.${process.pid}-${nextSide()}.tmp`;
  try {
    writeFileSync(side, text, { mode, flag: "wx" });
    renameSync(side, path);
  } catch (error) {
    rmSync(side, { force: true });
    throw error;
  }
}

export function writeJsonAtomic(path: string, value: unknown): void {
  writeFileAtomic(path, `${JSON.stringify(value, null, 2)}\n`);
}

/** The text of a file, or undefined where there is none. */
export function readTextIfAny(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT" || errno === "ENOTDIR") return undefined;
    throw error;
  }
}

/**
 * A JSON file of our own making.
 * @throws STATE_DAMAGED where it does not parse
 */
export function readOwnJson<T>(path: string): T | undefined {
  const text = readTextIfAny(path);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new PeapodError("STATE_DAMAGED", `${path}: is not JSON`, { cause, hint: "run peapod doctor" });
  }
}

/** A symbolic link's target; undefined for what is none, or not there. */
export function readLinkIfAny(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "EINVAL" || errno === "ENOENT" || errno === "ENOTDIR") return undefined;
    throw error;
  }
}

/** The names in a directory; none where there is no such directory. */
export function readNames(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT" || errno === "ENOTDIR") return [];
    throw error;
  }
}

/** As readNames; none, too, in what is root's alone, where a user has nothing. */
export function readNamesIfOpen(dir: string): string[] {
  try {
    return readNames(dir);
  } catch (error) {
    if (errnoOf(error) === "EACCES") return [];
    throw error;
  }
}

export function makeDir(path: string, mode = 0o700): void {
  mkdirSync(path, { recursive: true, mode });
}
