// The directories that an image declares as volumes, as they are in its root file system.

import { lstatSync } from "node:fs";
import { posix } from "node:path";
import { resolveInside } from "../../base/resolve-inside.ts";
import type { ImageVolume } from "../image.ts";

/** In no runtime can anything be mounted there. */
const IMPOSSIBLE = /^\/(?:(?:proc|sys|dev)(?:\/.*)?)?$/;

/** Those that make no sense (`/`, `/proc`, a file) are passed over: containers would not start with them. */
export function readVolumes(rootfs: string, paths: readonly string[]): ImageVolume[] {
  const normal = paths.map((path) => posix.normalize(`/${path}`).replace(/(?<=.)\/$/, ""));
  return [...new Set(normal)].sort().flatMap((path): ImageVolume[] => {
    if (IMPOSSIBLE.test(path) || path.includes("\0")) return [];
    const place = resolveInside(rootfs, [], path);
    const found = lstatSync(place, { throwIfNoEntry: false });
    if (found === undefined) return [{ path, mode: 0o755, uid: 0, gid: 0 }];
    if (!found.isDirectory()) return [];
    const { mode, uid, gid } = found;
    return [{ path, from: posix.relative(rootfs, place), mode: mode & 0o7777, uid, gid }];
  });
}
