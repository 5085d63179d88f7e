// Which pods use which images of the store, as their plans say.

import { readOwnJson } from "../../base/files.ts";
import type { PodName } from "../../base/names.ts";
import { makePodPaths } from "../../base/paths.ts";
import type { Plan } from "../../plan/plan.ts";
import { readPodNames } from "../looking/reader.ts";

/** By the root file system's directory. A plan that cannot be read names none. */
export function readImageUsers(root: string): ReadonlyMap<string, readonly PodName[]> {
  const users = new Map<string, PodName[]>();
  for (const pod of readPodNames(root))
    for (const dir of dirsOf(root, pod)) users.set(dir, [...(users.get(dir) ?? []), pod]);
  return users;
}

function dirsOf(root: string, pod: PodName): Set<string> {
  try {
    const plan = readOwnJson<Plan>(makePodPaths(root, pod).plan);
    const lowers = plan?.containers.flatMap(({ rootfs }) => rootfs.lower ?? []) ?? [];
    const volumes = plan?.sandbox.volumes.flatMap((one) => (one.kind === "image" ? one.path : [])) ?? [];
    return new Set([...lowers, ...volumes]);
  } catch {
    return new Set();
  }
}
