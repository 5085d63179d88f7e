// The pod's volumes as places on the host.

import { join } from "node:path";
import type { PodPaths } from "../base/paths.ts";
import type { Volume } from "../manifest/manifest.ts";
import type { HostMount, PlannedVolume } from "./plan.ts";

export function makeVolumes(volumes: readonly Volume[], paths: PodPaths): PlannedVolume[] {
  return volumes.map((volume): PlannedVolume => {
    const { name } = volume;
    if (volume.kind === "hostPath") return { kind: "host", name, path: volume.path, type: volume.type };
    const path = join(paths.volumes, name);
    if (volume.medium === "Memory") return { kind: "tmpfs", name, path, sizeBytes: volume.sizeLimitBytes };
    return { kind: "directory", name, path };
  });
}

/** Kubernetes' emptyDir is open to every user, in memory too. */
export function makeVolumeMounts(volumes: readonly PlannedVolume[]): HostMount[] {
  return volumes.flatMap((volume): HostMount[] => {
    if (volume.kind !== "tmpfs") return [];
    const size = volume.sizeBytes === undefined ? [] : [`size=${volume.sizeBytes}`];
    return [
      {
        target: volume.path,
        type: "tmpfs",
        source: "tmpfs",
        options: ["nosuid", "nodev", "mode=0777", ...size],
        directories: [{ path: volume.path, mode: 0o700 }],
      },
    ];
  });
}
