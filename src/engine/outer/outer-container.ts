// Reads the container that a caller made for a pod: its config.json, its cgroup, and where on the host lies what the
// manifest names by the container's own paths.

import { realpathSync } from "node:fs";
import { join, resolve } from "node:path";
import { PeapodError } from "../../base/errors.ts";
import { readOwnJson } from "../../base/files.ts";
import { type InsideMount, resolveInside } from "../../base/resolve-inside.ts";
import { readCallersPath } from "../../host/cgroups/callers-cgroup.ts";
import { readProcess } from "../../host/processes.ts";
import { readHostFacts } from "../../host/read-facts.ts";
import type { Container, Manifest, Volume } from "../../manifest/manifest.ts";
import type { OuterConfig, OuterContainer } from "../../plan/outer.ts";

const SCHEME = "rootfs:";

/** @throws WRONG_STATE where its process is gone */
export function readOuterContainer(dir: string, pid: number): OuterContainer {
  const found = readProcess(pid);
  const facts = readHostFacts();
  const cgroupPath = readCallersPath(pid, facts);
  if (found === undefined || cgroupPath === undefined)
    throw new PeapodError("WRONG_STATE", "pod: the container that it should live in has ended");
  const config = readOwnJson<OuterConfig>(join(dir, "config.json"));
  if (config === undefined) throw new PeapodError("STATE_DAMAGED", `${dir}: has no config.json`);
  return { pid, startTime: found.startTime, dir, cgroupPath, hasOneHierarchy: facts.cgroupLayout === "v2", config };
}

/**
 * The manifest with the container's paths replaced by the host's: images, and volumes of kind hostPath. The host name is
 * the container's.
 */
export function placeInside(manifest: Manifest, outer: OuterContainer, bundle: string): Manifest {
  const rootfs = realpathSync(resolve(bundle, outer.config.root.path));
  const mounts = (outer.config.mounts ?? []).flatMap(({ destination, source, options }): InsideMount[] => {
    const isBind = options?.some((option) => option === "bind" || option === "rbind") ?? false;
    return isBind && source?.startsWith("/") ? [{ destination, source }] : [];
  });
  const placed = (path: string) => resolveInside(rootfs, mounts, path);
  const placeImage = (container: Container): Container =>
    container.image.startsWith(SCHEME)
      ? { ...container, image: `${SCHEME}${placed(container.image.slice(SCHEME.length))}` }
      : container;
  const placeVolume = (volume: Volume): Volume =>
    volume.kind === "hostPath" ? { ...volume, path: placed(volume.path) } : volume;
  const { spec } = manifest;
  return {
    ...manifest,
    spec: {
      ...spec,
      ...(outer.config.hostname ? { hostnameOverride: outer.config.hostname } : {}),
      containers: spec.containers.map(placeImage),
      volumes: spec.volumes.map(placeVolume),
    },
  };
}
