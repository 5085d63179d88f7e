// Gives all files of a volume to a group, as Kubernetes' fsGroup does: the group may do with them what their owner may, and
// directories hand it on. Follows no symlink, not even one that is put there meanwhile.

import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  type Stats,
  statSync,
} from "node:fs";
import { errnoOf } from "../../base/errors.ts";

const O_PATH = 0o10000000;
const GROUP = 0o660;
const GROUP_DIRECTORY = 0o2770;

/** True where the directory itself is the group's as this module would make it: for OnRootMismatch. */
export function isOfGroup(dir: string, gid: number): boolean {
  const found = statSync(dir);
  return found.gid === gid && (found.mode & GROUP_DIRECTORY) === GROUP_DIRECTORY;
}

/** The directory itself comes last, so that one that was begun and not ended does not look done. */
export function giveToGroup(dir: string, gid: number): void {
  const fd = openSync(dir, O_PATH | constants.O_DIRECTORY);
  try {
    giveBelow(fd, gid);
    give(fd, fstatSync(fd), gid);
  } finally {
    closeSync(fd);
  }
}

function giveBelow(dirFd: number, gid: number): void {
  const dir = `/proc/self/fd/${dirFd}`;
  for (const name of readdirSync(dir)) {
    const fd = openIfThere(`${dir}/${name}`);
    if (fd === undefined) continue;
    try {
      const found = fstatSync(fd);
      if (found.isDirectory()) giveBelow(fd, gid);
      give(fd, found, gid);
    } finally {
      closeSync(fd);
    }
  }
}

/** Through the descriptor: the path may lead elsewhere by now. */
function give(fd: number, found: Stats, gid: number): void {
  const path = `/proc/self/fd/${fd}`;
  if (found.gid !== gid) chownSync(path, -1, gid);
  if (found.isSymbolicLink()) return;
  const wanted = (found.mode & 0o7777) | (found.isDirectory() ? GROUP_DIRECTORY : GROUP);
  // After chown(2), which may take setuid and setgid away.
  chmodSync(path, wanted);
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, O_PATH | constants.O_NOFOLLOW);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
