// A caller's cgroup on version 2, with members' cgroups below it. The kernel's rule (cgroup-v2, "No Internal Process
// Constraint"): a cgroup that hands controllers to its children has no processes of its own. The caller's has one, his
// container's first, and he looks for it there: his figures, his limits and his notice of OOM are those of its cgroup.

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { errnoOf, PeapodError } from "../../base/errors.ts";
import { readCgroupLines } from "../processes.ts";
import { enableControllers, listPidsBelow, readControl, removeCgroup } from "./cgroup-tree.ts";
import type { CgroupFacts } from "./cgroups.ts";

/** No container's name begins with a dot. doors/oci/exec.c knows it, too. */
const LEAF = ".peapod";
const EMPTY_MS = 5_000;
const REMOVE_MS = 1_000;

/** Undefined where the rule does not hold: version 1, and the hybrid layout. */
export function findCallersDir(path: string, { cgroupLayout, cgroupMounts }: CgroupFacts): string | undefined {
  return cgroupLayout === "v2" && cgroupMounts.unified !== undefined ? `${cgroupMounts.unified}${path}` : undefined;
}

/**
 * For members with limits: the caller's process goes to a cgroup of its own below, and the members' get controllers.
 * @throws TIMED_OUT while processes come faster than they are moved, NOT_PERMITTED
 */
export async function moveCallerAside(dir: string): Promise<void> {
  const leaf = makeLeaf(dir);
  const deadline = Date.now() + EMPTY_MS;
  for (;;) {
    const pids = readControl(`${dir}/cgroup.procs`).split("\n").filter(Boolean);
    if (pids.length === 0) break;
    if (Date.now() > deadline) throw new PeapodError("TIMED_OUT", `cgroup ${dir}: does not become empty`);
    for (const pid of pids) move(pid, leaf);
    await sleep(1);
  }
  enableControllers(dir);
}

/**
 * For members without limits, while one is being made: a process in a cgroup below. Without one the runtime, which turns
 * on what controllers it can, would get those for threads, and a cgroup that a member cannot be in (cgroups(7), "domain
 * invalid"). One that a member runs in does the same.
 */
export function putBelowCaller(dir: string, pid: number): void {
  move(String(pid), makeLeaf(dir));
}

/** Takes that cgroup away, unless the caller's process is in it. */
export async function leaveCaller(dir: string): Promise<void> {
  if (listPidsBelow(`${dir}/${LEAF}`).length > 0) return;
  await removeCgroup(`${dir}/${LEAF}`, Date.now() + REMOVE_MS);
}

/** The caller's own cgroup of a process that may have been moved aside, as proc_pid_cgroup(5) tells it. */
export function readCallersPath(pid: number, { cgroupLayout }: CgroupFacts): string | undefined {
  // Version 1's freezer is the one that every runtime joins.
  const wanted = cgroupLayout === "v2" ? "" : "freezer";
  const path = readCgroupLines(pid)?.find(({ controllers }) => controllers === wanted)?.path;
  return path?.endsWith(`/${LEAF}`) ? path.slice(0, -LEAF.length - 1) : path;
}

/** Only where the caller's is: he may have taken it away, and what is made now would be left over. */
function makeLeaf(dir: string): string {
  const leaf = `${dir}/${LEAF}`;
  try {
    mkdirSync(leaf);
  } catch (error) {
    if (errnoOf(error) !== "EEXIST" && errnoOf(error) !== "ENOENT") throw error;
  }
  return leaf;
}

function move(pid: string, to: string): void {
  try {
    writeFileSync(`${to}/cgroup.procs`, pid);
  } catch (error) {
    // It has ended; or the whole cgroup is gone, which whoever comes next tells better.
    if (errnoOf(error) === "ESRCH" || !existsSync(to)) return;
    throw new PeapodError("NOT_PERMITTED", `cgroup ${to}: process ${pid} cannot be moved there`, { cause: error });
  }
}
