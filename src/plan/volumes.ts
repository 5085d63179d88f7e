// The pod's volumes as places on the host.

import { join } from "node:path";
import { PeapodError } from "../base/errors.ts";
import { makeVolumePaths, type PodPaths } from "../base/paths.ts";
import type { Image } from "../image/image.ts";
import type { Manifest, Volume } from "../manifest/manifest.ts";
import { makeFiles, tellsSecrets } from "./files-volume.ts";
import type { HostMount, PlannedVolume, VolumeOwner } from "./plan.ts";
import type { FieldContext } from "./values.ts";
import { makePlace, makePointer } from "./where.ts";

export interface VolumesInput extends FieldContext {
  readonly root: string;
  readonly paths: PodPaths;
  /** Behind volumes that are images. */
  readonly images: ReadonlyMap<string, Image>;
}

/** @throws HOST_LACKS for huge pages of a size that this machine has not, BAD_MANIFEST */
export function makeVolumes(volumes: readonly Volume[], input: VolumesInput): PlannedVolume[] {
  const owner = makeOwner(input);
  return volumes.map((volume, index) => {
    const place = makePlace(input.manifest.source, makePointer("spec", "volumes", index));
    return makeVolume(volume, input, owner, place);
  });
}

function makeVolume(volume: Volume, input: VolumesInput, owner: { owner?: VolumeOwner }, place: string): PlannedVolume {
  const { name } = volume;
  const path = join(input.paths.volumes, name);
  const own = { name, path, ...owner, ...makePropagation(name, input.manifest) };
  switch (volume.kind) {
    case "hostPath": {
      const { type } = volume;
      return { kind: "host", name, path: volume.path, type, ...makePropagation(name, input.manifest) };
    }
    case "image": {
      const image = input.images.get(name);
      if (image === undefined) throw new PeapodError("BUG", `image of volume ${name} was not given to the planner`);
      const imageId = image.id === undefined ? {} : { imageId: image.id };
      return {
        ...{ kind: "image", name, path: image.rootfs, image: image.reference, ...imageId },
        ...makePropagation(name, input.manifest),
      };
    }
    case "claim": {
      const { data, record } = makeVolumePaths(input.root, volume.claim);
      const policy = input.manifest.spec.fsGroup?.policy ?? "Always";
      // Where mounts are passed on it is bound to a place that goes with the pod.
      const at = own.propagation === undefined ? data : path;
      return { kind: "named", ...own, path: at, data, record, claim: volume.claim, policy };
    }
    case "files": {
      const isSecret = tellsSecrets(volume);
      const at = isSecret ? join(input.paths.vault, "volumes", name) : path;
      return { kind: "files", ...own, path: at, isSecret, files: makeFiles(volume, input, place) };
    }
    case "emptyDir": {
      const { medium, sizeLimitBytes: sizeBytes } = volume;
      if (medium === "Memory") return { kind: "tmpfs", ...own, sizeBytes };
      if (medium !== "")
        return { kind: "tmpfs", ...own, sizeBytes, pageSize: findPageSize(medium, input, place, name) };
      if (sizeBytes === undefined) return { kind: "directory", ...own };
      return { kind: "disk", ...own, sizeBytes, image: join(input.paths.volumes, `.${name}.img`) };
    }
  }
}

/** As the containers count: where they have a user namespace, the mounts of it are mapped. */
function makeOwner({ manifest }: VolumesInput): { owner?: VolumeOwner } {
  const { fsGroup } = manifest.spec;
  return fsGroup === undefined ? {} : { owner: { uid: 0, gid: fsGroup.gid, isGroup: true } };
}

/** What the most demanding of its mounts asks for. */
function makePropagation(name: string, { spec }: Manifest): { propagation?: "HostToContainer" | "Bidirectional" } {
  const asked = spec.containers.flatMap((one) =>
    one.volumeMounts.flatMap((mount) => (mount.name === name ? (mount.mountPropagation ?? []) : [])),
  );
  if (asked.length === 0) return {};
  return { propagation: asked.includes("Bidirectional") ? "Bidirectional" : "HostToContainer" };
}

const PAGE_NAMES: Readonly<Record<string, string>> = { "HugePages-2Mi": "2048kB", "HugePages-1Gi": "1048576kB" };

/** As hugetlbfs takes it: `2048K`; empty for the machine's default size. */
function findPageSize(medium: string, { facts }: VolumesInput, place: string, name: string): string {
  const there = facts.hugePages ?? [];
  const wanted = PAGE_NAMES[medium];
  if (there.length > 0 && wanted === undefined) return "";
  if (wanted !== undefined && there.includes(wanted)) return wanted.replace("kB", "K");
  const what = wanted === undefined ? "huge pages" : `huge pages of ${medium.slice("HugePages-".length)}`;
  throw new PeapodError("HOST_LACKS", `volume ${name}: this machine has no ${what} (${place})`, {
    hint: "medium Memory is a tmpfs of ordinary pages",
  });
}

/** Kubernetes' emptyDir is open to every user, in memory too. */
export function makeVolumeMounts(volumes: readonly PlannedVolume[]): HostMount[] {
  return volumes.flatMap((volume): HostMount[] => {
    if (volume.kind !== "tmpfs") return [];
    const { pageSize, owner, propagation } = volume;
    const size = volume.sizeBytes === undefined ? [] : [`size=${volume.sizeBytes}`];
    const pages = pageSize ? [`pagesize=${pageSize}`] : [];
    const ids = owner === undefined ? [] : [`uid=${owner.uid}`, `gid=${owner.gid}`];
    const type = pageSize === undefined ? "tmpfs" : "hugetlbfs";
    const shared = propagation === undefined ? [] : ["shared"];
    const mode = owner?.isGroup ? "mode=2777" : "mode=0777";
    return [
      {
        target: volume.path,
        type,
        source: type,
        options: ["nosuid", "nodev", mode, ...ids, ...pages, ...size, ...shared],
        directories: [{ path: volume.path, mode: 0o700 }],
      },
    ];
  });
}
