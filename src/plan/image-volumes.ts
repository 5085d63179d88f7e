// The volumes that an image declares (VOLUME): for each container a directory of its own, writable whatever its root file
// system is, with what the image has there. Nothing is copied: each is an overlay on the image's directory, and begins
// anew with each life of the container, as its root file system does. Pure.

import { join } from "node:path";
import type { ContainerPaths } from "../base/paths.ts";
import type { Image, ImageVolume } from "../image/image.ts";
import type { Container } from "../manifest/manifest.ts";
import type { HostMount, IdMapping, PlannedMount } from "./plan.ts";
import { assertPlain, type OverlayInput } from "./rootfs.ts";

/** Those that the manifest mounts nothing on. */
function volumesOf({ config }: Image, { volumeMounts }: Container): readonly ImageVolume[] {
  const taken = new Set(volumeMounts.map(({ mountPath }) => mountPath));
  return (config.volumes ?? []).filter(({ path }) => !taken.has(path));
}

/** Inside of the container. */
export function makeImageMounts(image: Image, container: Container, paths: ContainerPaths): PlannedMount[] {
  return volumesOf(image, container).map(({ path }, index) => ({
    destination: path,
    type: "bind",
    source: join(dirOf(paths, index), "data"),
    options: ["rbind", "rprivate", "rw"],
  }));
}

/** On the host. */
export function makeImageVolumeMounts(input: OverlayInput, image: Image, container: Container): HostMount[] {
  return volumesOf(image, container).map((volume, index) => {
    const dir = dirOf(input.paths, index);
    const [upper, work, target, empty] = ["upper", "work", "data", "empty"].map((name) => join(dir, name)) as [
      string,
      string,
      string,
      string,
    ];
    const lower = volume.from === undefined ? empty : join(input.lower, volume.from);
    assertPlain(input.name, lower, input.place);
    const mode = input.idMapping === undefined ? 0o700 : 0o711;
    return {
      target,
      type: "overlay",
      source: "overlay",
      options: [`lowerdir=${lower}`, `upperdir=${upper}`, `workdir=${work}`],
      directories: [
        { path: input.paths.imageVolumes, mode },
        { path: dir, mode },
        // What is on top decides whose the directory is, and who may do what in it.
        { path: upper, mode: volume.mode, ...ownerOf(volume, input.idMapping) },
        { path: work, mode: 0o700 },
        { path: target, mode: 0o700 },
        ...(volume.from === undefined ? [{ path: empty, mode: 0o755 }] : []),
      ],
    };
  });
}

function dirOf(paths: ContainerPaths, index: number): string {
  return join(paths.imageVolumes, String(index));
}

/** Ids that a user namespace does not have are nobody's there. */
function ownerOf({ uid, gid }: ImageVolume, mapping: IdMapping | undefined): { uid?: number; gid?: number } {
  if (mapping === undefined) return { uid, gid };
  const find = (ranges: IdMapping["uids"], id: number) => {
    const range = ranges.find(({ container, size }) => id >= container && id < container + size);
    return range === undefined ? (ranges[0]?.host ?? 0) : range.host + id - range.container;
  };
  return { uid: find(mapping.uids, uid), gid: find(mapping.gids, gid) };
}
