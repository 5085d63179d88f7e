// Where the pod and its containers stand in the cgroup hierarchies: the pod above, each container a leaf below it.

import type { ContainerName, PodName } from "../base/names.ts";
import { DEFAULT_ROOT, makeCgroupBase, makePodCgroup } from "../base/paths.ts";
import type { PodCgroup } from "./plan.ts";

export function makeCgroup(root: string, pod: PodName, driver: PodCgroup["driver"]): PodCgroup {
  if (driver === "cgroupfs") return { driver, path: makePodCgroup(root, pod), base: makeCgroupBase(root) };
  const base = root === DEFAULT_ROOT ? "peapod" : `peapod_${makeCgroupBase(root).split("-")[1]}`;
  return { driver, path: `/${base}.slice/${base}-${asUnitPart(pod)}.slice`, base: `/${base}.slice` };
}

export function makeContainerCgroup(cgroup: PodCgroup, container: ContainerName): string {
  return cgroup.driver === "cgroupfs" ? `${cgroup.path}/${container}` : `${cgroup.path}/peapod-${container}.scope`;
}

/** A dash in a slice's name is a step down in the tree (systemd.slice(5)); a pod's name has no underscore of its own. */
function asUnitPart(pod: PodName): string {
  return pod.replaceAll("-", "_");
}
