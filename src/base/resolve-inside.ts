// A path as a container sees it → the path on the host, by the container's own links: an absolute one begins at its
// root, and none leads out of it.

import { posix } from "node:path";
import { PeapodError } from "./errors.ts";
import { readLinkIfAny } from "./files.ts";

/** As many links as the kernel follows (path_resolution(7)). */
const MOST_LINKS = 40;

export interface InsideMount {
  readonly destination: string;
  /** Absolute, on the host. */
  readonly source: string;
}

/**
 * What need not exist is not looked at: the rest of the path stays as it is.
 * @param rootfs absolute, on the host
 * @param mounts what is bound into it; the one nearest above a path counts
 * @throws BAD_MANIFEST for links that lead round in a ring
 */
export function resolveInside(rootfs: string, mounts: readonly InsideMount[], path: string): string {
  const waiting = path.split("/").filter(Boolean);
  let at = "/";
  for (let links = 0; waiting.length > 0; ) {
    const part = waiting.shift() as string;
    if (part === ".") continue;
    const next = part === ".." ? posix.dirname(at) : posix.join(at, part);
    const target = part === ".." ? undefined : readLinkIfAny(placeOf(rootfs, mounts, next));
    if (target === undefined) {
      at = next;
      continue;
    }
    links += 1;
    if (links > MOST_LINKS) throw new PeapodError("BAD_MANIFEST", `${path}: leads through too many symbolic links`);
    if (target.startsWith("/")) at = "/";
    waiting.unshift(...target.split("/").filter(Boolean));
  }
  return placeOf(rootfs, mounts, at);
}

/** One path without links in it. */
function placeOf(rootfs: string, mounts: readonly InsideMount[], path: string): string {
  const above = mounts
    .filter(({ destination }) => path === destination || path.startsWith(`${destination}/`))
    .reduce<InsideMount | undefined>(
      (one, other) => (one && one.destination.length > other.destination.length ? one : other),
      undefined,
    );
  return above === undefined
    ? posix.join(rootfs, path)
    : posix.join(above.source, path.slice(above.destination.length));
}
