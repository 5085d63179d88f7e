// A directory of small files, laid out as Kubernetes does it: `..data` leads to the directory with the files, and each name
// leads through it, so that a program that watches sees all of them change at once. Whole or not there: `..data` comes last.

import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { readLinkIfAny, readNames } from "./files.ts";

export interface TreeFile {
  /** Relative, without `..`. */
  readonly path: string;
  readonly mode: number;
  readonly bytes: Uint8Array | string;
}

export interface TreeOwner {
  readonly uid: number;
  readonly gid: number;
  /** The directories hand their group on. */
  readonly isGroup: boolean;
}

const DATA = "..data";

/**
 * Another tree than the one that is there follows it: whoever looks sees all of the one or all of the other, as the kubelet
 * has it. May be done again after a crash; does nothing where it was done. @throws system errors of the file system
 */
export function writeFileTree(dir: string, files: readonly TreeFile[], owner?: TreeOwner): void {
  const data = prepareFileTree(dir, files, owner);
  // New names before the turn, where they lead nowhere yet; old ones after it.
  const names = new Set(files.map(({ path }) => path.split("/")[0] ?? ""));
  const there = new Set(readdirSync(dir));
  for (const name of names) if (!there.has(name)) symlinkSync(`${DATA}/${name}`, join(dir, name));
  if (readLinkIfAny(join(dir, DATA)) !== data) turn(dir, data);
  for (const name of there)
    if (!names.has(name) && name !== DATA && name !== data) rmSync(join(dir, name), { recursive: true, force: true });
}

/**
 * What takes room on the disk, beside a tree that is there: once this is done the turn needs none. @returns the name of the
 * directory with the files
 */
export function prepareFileTree(dir: string, files: readonly TreeFile[], owner?: TreeOwner): string {
  makeDir(dir, owner);
  const old = readLinkIfAny(join(dir, DATA));
  const next = nextTo(old);
  const whole = [old, next].find((data) => data !== undefined && holds(join(dir, data), files, owner));
  if (whole !== undefined) return whole;
  const forget = () => rmSync(join(dir, next), { recursive: true, force: true });
  forget();
  try {
    writeFiles(join(dir, next), files, owner);
  } catch (error) {
    forget();
    throw error;
  }
  return next;
}

/** Takes back what `prepareFileTree` made for a turn that does not come. */
export function dropPrepared(dir: string): void {
  const kept = readLinkIfAny(join(dir, DATA));
  for (const name of readNames(dir))
    if (/^\.\.\d+$/.test(name) && name !== kept) rmSync(join(dir, name), { recursive: true, force: true });
}

/** `..1`, `..2`: nothing in their names tells of what is in them. */
function nextTo(data: string | undefined): string {
  return `..${data === undefined ? 1 : Number(data.slice(2)) + 1}`;
}

function turn(dir: string, data: string): void {
  const side = join(dir, `${DATA}_new`);
  rmSync(side, { force: true });
  symlinkSync(data, side);
  renameSync(side, join(dir, DATA));
}

function writeFiles(data: string, files: readonly TreeFile[], owner: TreeOwner | undefined): void {
  makeDir(data, owner);
  for (const { path, mode, bytes } of files) {
    const parts = dirname(path).split("/");
    if (parts[0] !== ".")
      for (let depth = 1; depth <= parts.length; depth += 1) makeDir(join(data, ...parts.slice(0, depth)), owner);
    const file = join(data, path);
    writeFileSync(file, bytes, { mode: 0o600 });
    own(file, mode, owner);
  }
}

/** These files and no others. */
function holds(data: string, files: readonly TreeFile[], owner: TreeOwner | undefined): boolean {
  if (!existsSync(data)) return false;
  const there = readdirSync(data, { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory());
  return there.length === files.length && files.every((file) => isAsAsked(join(data, file.path), file, owner));
}

function isAsAsked(path: string, { mode, bytes }: TreeFile, owner: TreeOwner | undefined): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat?.isFile() || (stat.mode & 0o7777) !== mode || !readFileSync(path).equals(Buffer.from(bytes))) return false;
  return owner === undefined || (stat.uid === owner.uid && stat.gid === owner.gid);
}

function makeDir(path: string, owner: TreeOwner | undefined): void {
  mkdirSync(path, { recursive: true });
  own(path, owner?.isGroup ? 0o2755 : 0o755, owner);
}

function own(path: string, mode: number, owner: TreeOwner | undefined): void {
  if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
  // After chown(2), which takes setgid away; whatever our umask.
  chmodSync(path, mode);
}
