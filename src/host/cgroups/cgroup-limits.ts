// Writes a pod's limits on its own cgroup, all or nothing: where the kernel refuses one, those before it are put back.

import { existsSync, writeFileSync } from "node:fs";
import { errnoOf, PeapodError } from "../../base/errors.ts";
import type { PlannedResources, PodCgroup } from "../../plan/plan.ts";
import { setSliceProperties } from "./cgroup-systemd.ts";
import { readControl } from "./cgroup-tree.ts";
import type { CgroupFacts } from "./cgroups.ts";
import { type LimitFile, makeLimitFiles, makeSystemdProperties } from "./limit-files.ts";

/** @throws HOST_LACKS for a controller that is not there, WRONG_STATE for a value that the kernel does not take */
export async function writePodLimits(
  cgroup: PodCgroup,
  facts: CgroupFacts,
  limits: Partial<PlannedResources>,
): Promise<void> {
  if (cgroup.isCallers || cgroup.driver === "none") return;
  // systemd would forget what it has not been told, and write over it; of files it knows no word for it lets be.
  if (cgroup.driver === "systemd") await setSliceProperties(cgroup.path, makeSystemdProperties(limits));
  const undo: (() => void)[] = [];
  try {
    for (const file of makeLimitFiles(limits, facts.cgroupLayout)) writeOne(cgroup, facts, file, undo);
  } catch (error) {
    for (const step of undo.reverse()) step();
    throw error;
  }
}

function writeOne(cgroup: PodCgroup, facts: CgroupFacts, file: LimitFile, undo: (() => void)[]): void {
  const mount = facts.cgroupLayout === "v2" ? facts.cgroupMounts.unified : facts.cgroupMounts[file.controller];
  const paths = mount === undefined ? [] : file.names.map((name) => `${mount}${cgroup.path}/${name}`);
  const path = paths.find((one) => existsSync(one));
  if (path === undefined) {
    if (file.isOptional) return;
    throw new PeapodError(
      "HOST_LACKS",
      `cgroup ${cgroup.path}: has no ${file.what}, ${mount === undefined ? `no ${file.controller} controller is mounted here` : `this kernel has no ${file.names.join(" or ")}`}`,
    );
  }
  const before = readControl(path).trim();
  if (before === file.value) return;
  try {
    write(path, file.value);
  } catch (cause) {
    if (file.isOptional) return;
    // Both limits in one direction: the other has to give way first.
    if (isMemoryBelowSwap(file, cause) && raiseSwap(path, file.value, undo)) return;
    throw makeRefusal(cgroup, file, before, cause);
  }
  // Devices have a line each; a limit that was not there is none.
  if (!file.value.includes(":")) undo.push(() => write(path, before));
}

function write(path: string, value: string): void {
  writeFileSync(path, value);
}

function isMemoryBelowSwap(file: LimitFile, cause: unknown): boolean {
  return file.names.includes("memory.limit_in_bytes") && errnoOf(cause) === "EINVAL";
}

/** Version 1: a limit on memory above that on memory and swap. */
function raiseSwap(path: string, value: string, undo: (() => void)[]): boolean {
  const swap = path.replace("memory.limit_in_bytes", "memory.memsw.limit_in_bytes");
  const [swapBefore, before] = [readControl(swap).trim(), readControl(path).trim()];
  try {
    write(swap, value);
    undo.push(() => write(swap, swapBefore));
    write(path, value);
    undo.push(() => write(path, before));
    return true;
  } catch {
    return false;
  }
}

function makeRefusal(cgroup: PodCgroup, { what, value }: LimitFile, before: string, cause: unknown): PeapodError {
  const why: Readonly<Record<string, string>> = {
    EBUSY: "more than that is in use",
    EINVAL: "it does not go with what is set above or below it",
    ENODEV: "there is no such device, or it is a partition",
    ENOSPC: "processes would be left without any",
    EACCES: "a cgroup above does not have them",
    ERANGE: "it is out of range",
  };
  const reason = why[errnoOf(cause) ?? ""] ?? String(cause);
  return new PeapodError(
    "WRONG_STATE",
    `cgroup ${cgroup.path}: the kernel does not take ${value} as ${what}, ${reason}; it is ${before}`,
    { cause },
  );
}

/** As they are now, inherited or set; empty where there is no such controller. */
export function readCpuset(path: string, facts: CgroupFacts): Pick<PlannedResources, "cpusetCpus" | "cpusetMems"> {
  const isV2 = facts.cgroupLayout === "v2";
  const mount = isV2 ? facts.cgroupMounts.unified : facts.cgroupMounts.cpuset;
  const read = (name: string) => readControl(`${mount}${path}/cpuset.${name}${isV2 ? ".effective" : ""}`).trim();
  const [cpusetCpus, cpusetMems] = mount === undefined ? ["", ""] : [read("cpus"), read("mems")];
  return { ...(cpusetCpus ? { cpusetCpus } : {}), ...(cpusetMems ? { cpusetMems } : {}) };
}
