// A directory of small files, laid out as Kubernetes does it: `..data` leads to the directory with the files, and each name
// leads through it, so that a program that watches sees all of them change at once. Whole or not there: `..data` comes last.

import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

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
const FIRST = "..1";

/** Does nothing where it was done before. @throws system errors of the file system */
export function writeFileTree(dir: string, files: readonly TreeFile[], owner?: TreeOwner): void {
  const dirMode = owner?.isGroup ? 0o2755 : 0o755;
  const own = (path: string, mode: number): void => {
    if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
    // After chown(2), which takes setgid away; whatever our umask.
    chmodSync(path, mode);
  };
  const makeDir = (path: string): void => {
    mkdirSync(path, { recursive: true });
    own(path, dirMode);
  };
  makeDir(dir);
  if (lstatSync(join(dir, DATA), { throwIfNoEntry: false }) !== undefined) return;
  for (const name of readdirSync(dir)) rmSync(join(dir, name), { recursive: true, force: true });
  const data = join(dir, FIRST);
  makeDir(data);
  for (const { path, mode, bytes } of files) {
    const parts = dirname(path).split("/");
    if (parts[0] !== ".")
      for (let depth = 1; depth <= parts.length; depth += 1) makeDir(join(data, ...parts.slice(0, depth)));
    const file = join(data, path);
    writeFileSync(file, bytes, { mode: 0o600 });
    own(file, mode);
  }
  for (const name of new Set(files.map(({ path }) => path.split("/")[0] ?? "")))
    symlinkSync(`${DATA}/${name}`, join(dir, name));
  symlinkSync(FIRST, join(dir, `${DATA}_new`));
  renameSync(join(dir, `${DATA}_new`), join(dir, DATA));
}
