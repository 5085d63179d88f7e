// Which pods use which images of the store, as their plans say.

import type { PodName } from "../../base/names.ts";
import { mapsIn } from "../../plan/stages.ts";
import { readPlans, readPodNames } from "../looking/reader.ts";

/** By the root file system's directory. A plan that cannot be read names none. */
export function readImageUsers(root: string): ReadonlyMap<string, readonly PodName[]> {
  const users = new Map<string, PodName[]>();
  for (const pod of readPodNames(root))
    for (const dir of dirsOf(root, pod)) users.set(dir, [...(users.get(dir) ?? []), pod]);
  return users;
}

function dirsOf(root: string, pod: PodName): Set<string> {
  return new Set(
    readPlans(root, pod).flatMap(({ containers, sandbox, stages }) => [
      ...containers.flatMap(({ rootfs }) => rootfs.lower ?? []),
      ...sandbox.volumes.flatMap((one) => (one.kind === "image" ? one.path : [])),
      // With a user namespace they are lower layers as its owners see them.
      ...mapsIn(stages).map(({ source }) => source),
    ]),
  );
}
