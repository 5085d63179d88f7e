// Looks where each mount would land in its root file system, before anything is made. A runtime resolves symlinks
// inside the root and would quietly mount somewhere else than the manifest says.

import { lstatSync } from "node:fs";
import { join, posix } from "node:path";
import { PeapodError } from "../base/errors.ts";
import { readLinkIfAny } from "../base/files.ts";
import type { Plan, PlannedContainer, PlannedMount } from "../plan/plan.ts";

/** As many links as the kernel follows (path_resolution(7)). */
const MOST_LINKS = 40;

/**
 * Reads the lower root file systems only.
 * @throws BAD_MANIFEST where a mount's path leads through a symlink out of the root file system: one that climbs above
 *   it, or names an absolute path that is not in it
 */
export function checkMountTargets(plan: Plan): void {
  for (const container of plan.containers) {
    const { lower } = container.rootfs;
    if (lower === undefined) continue;
    for (const mount of container.mounts) checkTarget(container, lower, mount);
  }
}

function checkTarget(container: PlannedContainer, lower: string, mount: PlannedMount): void {
  const reason = container.reasons[`mounts.${mount.destination}`];
  // Of our own mounts only a climb is a trap: images do link /etc/resolv.conf to a place that their boot would make.
  const isUsers = reason?.source === "manifest";
  const waiting = mount.destination.split("/").filter((part) => part !== "");
  let at = "/";
  let links = 0;
  while (waiting.length > 0) {
    const part = waiting.shift() as string;
    if (part === ".") continue;
    if (part === "..") {
      at = posix.dirname(at);
      continue;
    }
    const here = posix.join(at, part);
    const target = readLinkIfAny(join(lower, here));
    if (target === undefined) {
      at = here;
      continue;
    }
    links += 1;
    const why = links > MOST_LINKS ? "is one of too many in a row" : leadsOut(lower, at, target, isUsers);
    if (why !== undefined) {
      const text = `container ${container.name}: mount on ${mount.destination}: the symlink ${here} -> ${target} ${why}`;
      throw new PeapodError("BAD_MANIFEST", reason === undefined ? text : `${text} (${reason.where})`, {
        hint: "mount on the real path, or mend the link in the image",
      });
    }
    waiting.unshift(...target.split("/").filter((one) => one !== ""));
    if (target.startsWith("/")) at = "/";
  }
}

/** Why a link leads out of the root; undefined where it stays in. `at`: the directory that it lies in. */
function leadsOut(lower: string, at: string, target: string, isUsers: boolean): string | undefined {
  let depth = target.startsWith("/") ? 0 : at.split("/").filter((part) => part !== "").length;
  for (const part of target.split("/")) {
    if (part === "" || part === ".") continue;
    depth += part === ".." ? -1 : 1;
    if (depth < 0) return "climbs out of its root file system";
  }
  if (!target.startsWith("/") || !isUsers) return undefined;
  const first = target.split("/").find((part) => part !== "");
  return first === undefined || exists(join(lower, first)) ? undefined : "points out of its root file system";
}

function exists(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
