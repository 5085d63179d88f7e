// Files of a pod's cgroups as the kernel has them, whichever version of cgroups this machine has.

import { readFileSync } from "node:fs";
import type { ContainerName, PodName } from "../../src/base/names.ts";
import { readHostFacts } from "../../src/host/read-facts.ts";
import { makeCgroup, makeContainerCgroup } from "../../src/plan/cgroups.ts";
import { DRIVER } from "./driver.ts";

export const facts = readHostFacts();
export const isV2 = facts.cgroupLayout === "v2";

/** A file by its name in version 1 (`memory/memory.limit_in_bytes`) and in version 2 (`memory.max`). */
export interface Names {
  readonly v1: string;
  readonly v2: string;
}

export const MEMORY: Names = { v1: "memory/memory.limit_in_bytes", v2: "memory.max" };
export const QUOTA: Names = { v1: "cpu/cpu.cfs_quota_us", v2: "cpu.max" };
export const SHARES: Names = { v1: "cpu/cpu.shares", v2: "cpu.weight" };
export const PIDS: Names = { v1: "pids/pids.max", v2: "pids.max" };
export const PIDS_NOW: Names = { v1: "pids/pids.current", v2: "pids.current" };
export const CPUS: Names = { v1: "cpuset/cpuset.cpus", v2: "cpuset.cpus" };
export const RESERVATION: Names = { v1: "memory/memory.soft_limit_in_bytes", v2: "memory.low" };
export const CPU_STAT: Names = { v1: "cpu/cpu.stat", v2: "cpu.stat" };

export function cgroupPathOf(root: string, pod: string, container: string | undefined): string {
  const cgroup = makeCgroup(root, pod as PodName, DRIVER);
  return container === undefined ? cgroup.path : makeContainerCgroup(cgroup, container as ContainerName);
}

/** `container`: undefined for the pod's own. A quota is told as version 1 tells it. */
export function readLimit(root: string, pod: string, container: string | undefined, names: Names): string {
  const path = cgroupPathOf(root, pod, container);
  const [controller = "", file = ""] = names.v1.split("/");
  const mount = isV2 ? facts.cgroupMounts.unified : facts.cgroupMounts[controller];
  const text = readFileSync(`${mount}${path}/${isV2 ? names.v2 : file}`, "utf8").trim();
  if (names !== QUOTA || !isV2) return text;
  return text.startsWith("max") ? "-1" : (text.split(" ")[0] ?? "");
}
