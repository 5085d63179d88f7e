// Volumes that outlive pods: who made each, who uses it, and their removal. Pods make them; see host/made-volumes.ts.

import { existsSync, renameSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { errnoOf, PeapodError } from "../../base/errors.ts";
import { readNames, readOwnJson } from "../../base/files.ts";
import type { PodName } from "../../base/names.ts";
import { makeVolumePaths, volumesDir } from "../../base/paths.ts";
import { makeUuid } from "../../base/unique.ts";
import { removeTree } from "../../host/volumes.ts";
import type { NamedVolume, NamedVolumes } from "../engine.ts";
import { readPlans, readPodNames } from "../looking/reader.ts";

/** Names that no volume can have: what is being removed. */
const REMOVING = ".removing-";

export function openNamedVolumes(root: string): NamedVolumes {
  return {
    list: async () => listVolumes(root),
    inspect: async (name) => readVolume(root, name, readUsers(root)),
    remove: async (name) => removeVolume(root, name),
    prune: async () => {
      const unused = listVolumes(root).filter(({ usedBy }) => usedBy.length === 0);
      const removed: string[] = [];
      for (const { name } of unused) {
        // One that a pod has taken meanwhile stays.
        if (await removeVolume(root, name).then(() => true, isTaken)) removed.push(name);
      }
      return removed;
    },
  };
}

function listVolumes(root: string): NamedVolume[] {
  const users = readUsers(root);
  const names = readNames(volumesDir(root)).filter((name) => !name.startsWith("."));
  return names
    .sort()
    .flatMap((name) => (existsSync(makeVolumePaths(root, name).data) ? [readVolume(root, name, users)] : []));
}

function readVolume(root: string, name: string, users: Users): NamedVolume {
  const { data, record } = makeVolumePaths(root, name);
  if (!isName(name) || !existsSync(data)) {
    throw new PeapodError("NOT_FOUND", `volume ${name}: does not exist`, {
      hint: "peapod volume list shows what there is",
    });
  }
  const written = readOwnJson<{ createdAt?: string; createdBy?: string }>(record);
  return {
    name,
    path: data,
    createdAt: written?.createdAt,
    createdBy: written?.createdBy,
    usedBy: users.get(name) ?? [],
  };
}

type Users = ReadonlyMap<string, readonly PodName[]>;

/** Pods by the volumes that their plans name; a plan that cannot be read names none. */
function readUsers(root: string): Users {
  const users = new Map<string, PodName[]>();
  for (const pod of readPodNames(root)) {
    const volumes = readPlans(root, pod).flatMap(({ sandbox }) => sandbox.volumes);
    const claims = new Set(volumes.flatMap((volume) => (volume.kind === "named" ? volume.claim : [])));
    for (const claim of claims) users.set(claim, [...(users.get(claim) ?? []), pod]);
  }
  return users;
}

/** A pod writes its plan before it makes its volumes: once the volume's name is gone, who still uses it is known. */
async function removeVolume(root: string, name: string): Promise<void> {
  assertUnused(readVolume(root, name, readUsers(root)));
  const { dir } = makeVolumePaths(root, name);
  const side = join(volumesDir(root), `${REMOVING}${makeUuid()}`);
  renameSync(dir, side);
  try {
    assertUnused({ name, usedBy: readUsers(root).get(name) ?? [] });
  } catch (error) {
    if (!existsSync(dir)) renameSync(side, dir);
    throw error;
  }
  removeTree(side);
  removeIfEmpty(volumesDir(root));
}

function assertUnused({ name, usedBy }: Pick<NamedVolume, "name" | "usedBy">): void {
  if (usedBy.length === 0) return;
  throw new PeapodError("WRONG_STATE", `volume ${name}: is used by ${usedBy.join(", ")}`, {
    hint: `delete ${usedBy.length === 1 ? "that pod" : "those pods"} first`,
  });
}

function isTaken(error: unknown): boolean {
  if (error instanceof PeapodError && (error.code === "WRONG_STATE" || error.code === "NOT_FOUND")) return false;
  throw error;
}

function isName(name: string): boolean {
  return /^[a-z0-9][a-z0-9.-]*$/.test(name);
}

function removeIfEmpty(dir: string): void {
  try {
    rmdirSync(dir);
  } catch (error) {
    // A link, as a user's is, stays.
    if (!["ENOTEMPTY", "ENOENT", "ENOTDIR"].includes(errnoOf(error) ?? "")) throw error;
  }
}
