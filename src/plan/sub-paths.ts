// subPath and subPathExpr: which part of a volume is mounted. Where exactly it lies is found out when the container is made,
// since others write to the volume until then; the mount's source is a place of ours on which that part is bound.

import { join } from "node:path";
import { PeapodError } from "../base/errors.ts";
import type { Container, VolumeMount } from "../manifest/manifest.ts";
import { deviceOf } from "./device-rules.ts";
import type { OwnEnv } from "./env.ts";
import { namesIn } from "./env.ts";
import { expand } from "./expand.ts";
import type { PlannedSubPath, PlannedVolume } from "./plan.ts";

/**
 * Undefined: the whole volume.
 * @throws BAD_MANIFEST for a variable that is not there, a path that leads out, or a volume that has no parts
 */
export function makeSubPath(
  container: Container,
  { subPath, subPathExpr }: VolumeMount,
  volume: PlannedVolume,
  where: { readonly dir: string; readonly index: number; readonly env: OwnEnv; readonly place: string },
): PlannedSubPath | undefined {
  const { env, place } = where;
  const refuse = (why: string) => new PeapodError("BAD_MANIFEST", `container ${container.name}: ${why} (${place})`);
  if (subPathExpr !== undefined) {
    for (const name of namesIn(subPathExpr)) {
      if (!env.all.has(name)) throw refuse(`subPathExpr names ${name}, which is no variable of its env`);
      if (env.secret.has(name)) throw refuse(`subPathExpr names ${name}, and a secret must not be in a path`);
    }
  }
  const path = subPath ?? (subPathExpr === undefined ? "" : expand(subPathExpr, (name) => env.all.get(name)));
  if (path.startsWith("/")) throw refuse(`subPath ${path} is not relative`);
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) throw refuse(`subPath ${path} must not contain ..`);
  if (parts.length === 0) return undefined;
  if (deviceOf(volume) !== undefined) throw refuse(`subPath ${path} is in volume ${volume.name}, which is a device`);
  if (volume.kind === "files" && !isThere(volume, parts.join("/")))
    throw refuse(`subPath ${path} is not in volume ${volume.name}, which has ${namesOf(volume)}`);
  return {
    volume: volume.path,
    path: parts.join("/"),
    ...(volume.kind === "image" ? { mustExist: true as const } : {}),
    target: join(where.dir, String(where.index)),
    place,
  };
}

type FilesVolume = Extract<PlannedVolume, { kind: "files" }>;

function isThere({ files }: FilesVolume, path: string): boolean {
  return files.some((file) => file.path === path || file.path.startsWith(`${path}/`));
}

function namesOf({ files }: FilesVolume): string {
  return files.length === 0
    ? "no file"
    : files
        .slice(0, 20)
        .map(({ path }) => path)
        .join(", ");
}
