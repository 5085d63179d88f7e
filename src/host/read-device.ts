// One device of the host, by its path.

import { statSync } from "node:fs";
import type { HostDevice } from "./facts.ts";

/** Symlinks are followed, as a bind mount does. Undefined where no device is there, or none that we may look at. */
export function readDevice(path: string): HostDevice | undefined {
  const found = statOf(path);
  if (found === undefined || !(found.isCharacterDevice() || found.isBlockDevice())) return undefined;
  // makedev(3): 12 bits of the major and 20 of the minor, interleaved.
  const major = Number((BigInt(found.rdev) >> 8n) & 0xfffn);
  const minor = Number((BigInt(found.rdev) & 0xffn) | ((BigInt(found.rdev) >> 12n) & 0xfff00n));
  const type = found.isBlockDevice() ? "b" : "c";
  return { path, type, major, minor, fileMode: found.mode & 0o7777, uid: found.uid, gid: found.gid };
}

function statOf(path: string) {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    // ENOTDIR, EACCES, ELOOP: told where the volume is made.
    return undefined;
  }
}
