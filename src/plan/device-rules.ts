// Which devices of the host a container may open: those that it mounts as a hostPath of type CharDevice or BlockDevice. The
// kernel asks the cgroup before it asks for permission bits, and a mount alone tells the cgroup nothing. Pure.

import type { HostDevice, HostFacts } from "../host/facts.ts";
import type { Container, Volume } from "../manifest/manifest.ts";
import type { PlannedDeviceRule, PlannedVolume } from "./plan.ts";

const TYPES: Readonly<Record<string, PlannedDeviceRule["type"]>> = { CharDevice: "c", BlockDevice: "b" };

/** Paths of devices that are volumes, each once. */
export function listDevicePaths(volumes: readonly (Volume | PlannedVolume)[]): string[] {
  return [...new Set(volumes.flatMap((volume) => deviceOf(volume)?.path ?? []))];
}

/**
 * One rule a device, in the order of the mounts. A device that is not there, or of the other type, has none: its volume is
 * refused when it is made.
 */
export function makeDeviceRules(
  { volumeMounts, securityContext }: Container,
  volumes: readonly PlannedVolume[],
  devices: ReadonlyMap<string, HostDevice>,
  { user }: HostFacts,
): PlannedDeviceRule[] {
  // Who is privileged may open all, and a user what his permission bits let him: the kernel takes no rules from him.
  if (securityContext.privileged || user !== undefined) return [];
  const rules = new Map<string, PlannedDeviceRule>();
  for (const { name, readOnly } of volumeMounts) {
    const volume = volumes.find((one) => one.name === name);
    const wanted = volume === undefined ? undefined : deviceOf(volume);
    const found = wanted === undefined ? undefined : devices.get(wanted.path);
    if (found === undefined || found.type !== wanted?.type) continue;
    const { type, major, minor } = found;
    const key = `${type} ${major}:${minor}`;
    // A read-only mount hinders nobody from writing to a device. Its node is there: none need be made (mknod).
    const access = readOnly && rules.get(key)?.access !== "rw" ? "r" : "rw";
    rules.set(key, { type, major, minor, access });
  }
  return [...rules.values()];
}

/** Undefined for a volume that is no device. */
export function deviceOf(
  volume: Volume | PlannedVolume,
): { readonly path: string; readonly type: "c" | "b" } | undefined {
  if (!("type" in volume)) return undefined;
  const type = TYPES[volume.type];
  return type === undefined ? undefined : { path: volume.path, type };
}
