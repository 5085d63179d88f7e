// Where the pod and its containers stand in the cgroup hierarchies: the pod above, each container a leaf below it.

import type { ContainerName, PodName } from "../base/names.ts";
import { DEFAULT_ROOT, makeCgroupBase, makePodCgroup } from "../base/paths.ts";
import type { HostFacts } from "../host/facts.ts";
import type { PodCgroup } from "./plan.ts";

const DRIVERS = ["cgroupfs", "systemd"] as const;

/** `handedDown`: the cgroup that is a user's own to make others in, as a path inside the hierarchy; root's is empty. */
export function makeCgroup(root: string, pod: PodName, driver: PodCgroup["driver"], handedDown = ""): PodCgroup {
  if (driver !== "systemd")
    return { driver, path: handedDown + makePodCgroup(root, pod), base: handedDown + makeCgroupBase(root) };
  const base = root === DEFAULT_ROOT ? "peapod" : `peapod_${makeCgroupBase(root).split("-")[1]}`;
  return { driver, path: `/${base}.slice/${base}-${asUnitPart(pod)}.slice`, base: `/${base}.slice` };
}

/** Who makes the pod's cgroup: nobody, where a user was handed none down. */
export function chooseDriver(wanted: PodCgroup["driver"], { user }: HostFacts): PodCgroup["driver"] {
  return user !== undefined && user.cgroup === undefined ? "none" : wanted;
}

/** Wherever the pod may stand, for those who do not know who made its cgroup. */
export function makePossibleCgroups(root: string, pod: PodName): PodCgroup[] {
  return DRIVERS.map((driver) => makeCgroup(root, pod, driver));
}

/** Where pods stand, by driver: `base` of all of this root's. */
export function makeBases(root: string): string[] {
  return makePossibleCgroups(root, "any" as PodName).map(({ base }) => base);
}

/** `web` or `web/server`, of a cgroup below one of the bases: whose it is. */
export function ownerOfCgroup(path: string): string {
  const levels = path.slice(1).split("/");
  // A user's base lies below what was handed down to him.
  const start = levels.findIndex((level) => /^peapod(-[0-9a-f]{8})?$/.test(level));
  const [base = "", pod = "", ...below] = levels.slice(Math.max(0, start));
  if (!base.endsWith(".slice")) return [pod, ...below].join("/");
  const name = pod.slice(`${base.slice(0, -".slice".length)}-`.length).replace(/\.slice$/, "");
  const prefix = makeScopePrefix(pod);
  const containers = below.map((one) =>
    one.startsWith(`${prefix}-`) ? one.slice(prefix.length + 1, -".scope".length) : one,
  );
  return [name.replaceAll("_", "-"), ...containers].join("/");
}

export function makeContainerCgroup(cgroup: PodCgroup, container: ContainerName): string {
  return cgroup.driver === "systemd"
    ? `${cgroup.path}/${makeScopePrefix(cgroup.path)}-${container}.scope`
    : `${cgroup.path}/${container}`;
}

/** Units have one name space for the whole machine, so a container's bears its pod's name: that of its slice. */
export function makeScopePrefix(slice: string): string {
  return slice.slice(slice.lastIndexOf("/") + 1).replace(/\.slice$/, "");
}

/** A dash in a slice's name is a step down in the tree (systemd.slice(5)); a pod's name has no underscore of its own. */
function asUnitPart(pod: PodName): string {
  return pod.replaceAll("-", "_");
}
