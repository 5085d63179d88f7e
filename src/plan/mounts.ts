// What is mounted into a container beyond the profile's own: shared memory, the sandbox's files, volumes. What the
// user mounts stands in place of ours at the same path.

import { posix } from "node:path";
import { PeapodError } from "../base/errors.ts";
import type { HostFacts } from "../host/facts.ts";
import type { Container, Manifest } from "../manifest/manifest.ts";
import type { OwnEnv } from "./env.ts";
import { makeMountOptions } from "./mount-options.ts";
import type { PlannedMount, PlannedSubPath, PlannedVolume, Reason, RuntimeChoice } from "./plan.ts";
import type { FileMount } from "./sandbox-files.ts";
import { makeSubPath } from "./sub-paths.ts";
import { defaultReason, makeContainerPointer, makePlace, manifestReason } from "./where.ts";

export interface MountsInput {
  readonly manifest: Manifest;
  readonly index: number;
  readonly container: Container;
  readonly volumes: readonly PlannedVolume[];
  readonly shm: PlannedMount;
  readonly files: readonly FileMount[];
  /** Of volumes that the image declares. */
  readonly imageMounts: readonly PlannedMount[];
  readonly imageReference: string;
  readonly ownEnv: OwnEnv;
  readonly facts: HostFacts;
  readonly runtime: RuntimeChoice;
  readonly isMapped: boolean;
  /** Where parts of volumes are bound for this container. */
  readonly subPathsDir: string;
}

export interface Mounts {
  readonly mounts: PlannedMount[];
  readonly reasons: Record<string, Reason>;
  readonly subPaths: readonly PlannedSubPath[];
  readonly passesMountsOn: true | undefined;
}

/** @throws BAD_MANIFEST for a path that no container can have something mounted on, or two mounts on one path */
export function makeMounts(input: MountsInput): Mounts {
  const { manifest, index } = input;
  const reasons: Record<string, Reason> = {};
  const mounts = new Map<string, PlannedMount>();
  const add = (mount: PlannedMount, reason: Reason) => {
    mounts.set(mount.destination, mount);
    reasons[`mounts.${mount.destination}`] = reason;
  };
  add(input.shm, defaultReason("goes with the ipc namespace, as in containerd and podman"));
  for (const { mount, reason } of input.files) add(mount, reason);
  for (const mount of input.imageMounts) add(mount, { source: "image", where: input.imageReference });
  const taken = new Set<string>();
  const subPaths: PlannedSubPath[] = [];
  let passesMountsOn: true | undefined;
  input.container.volumeMounts.forEach((wanted, at) => {
    const pointer = makeContainerPointer(manifest, index, "volumeMounts", at);
    const place = makePlace(manifest.source, `${pointer}/mountPath`);
    const destination = asDestination(input.container, wanted.mountPath, place);
    if (taken.has(destination)) {
      throw new PeapodError(
        "BAD_MANIFEST",
        `container ${input.container.name}: ${destination} is mounted on twice (${place})`,
      );
    }
    taken.add(destination);
    const volume = input.volumes.find((one) => one.name === wanted.name);
    if (volume === undefined) {
      const where = makePlace(manifest.source, `${pointer}/name`);
      throw new PeapodError(
        "BAD_MANIFEST",
        `container ${input.container.name}: there is no volume ${wanted.name} (${where})`,
      );
    }
    const options = makeMountOptions(input, wanted, volume, pointer);
    if (options.includes("rshared")) passesMountsOn = true;
    const where = { dir: input.subPathsDir, index: at, env: input.ownEnv, place: makePlace(manifest.source, pointer) };
    const subPath = makeSubPath(input.container, wanted, volume, where);
    if (subPath !== undefined) subPaths.push(subPath);
    const source = subPath?.target ?? volume.path;
    add({ destination, type: "bind", source, options }, manifestReason(manifest, pointer));
  });
  return { mounts: [...mounts.values()].sort(parentsFirst), reasons, subPaths, passesMountsOn };
}

/** A mount hides what lies below its path, so the shorter paths go first. */
function parentsFirst(a: PlannedMount, b: PlannedMount): number {
  const depth = (path: string) => path.split("/").length;
  return depth(a.destination) - depth(b.destination) || (a.destination < b.destination ? -1 : 1);
}

function asDestination(container: Container, path: string, place: string): string {
  const refuse = (why: string) =>
    new PeapodError("BAD_MANIFEST", `container ${container.name}: mountPath ${path} ${why} (${place})`);
  if (!path.startsWith("/")) throw refuse("is not absolute");
  if (path.includes("\0")) throw refuse("has a NUL in it");
  if (path.split("/").includes("..")) throw refuse("must not contain ..");
  const normal = posix.normalize(path).replace(/(?<=.)\/$/, "");
  if (normal === "/") throw refuse("is the root file system itself");
  if (normal === "/proc" || normal.startsWith("/proc/"))
    throw refuse("is inside /proc, where runtimes let nothing be mounted");
  return normal;
}
