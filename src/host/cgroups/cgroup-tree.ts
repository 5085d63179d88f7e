// Making and removing one cgroup in one hierarchy, by mkdir(2) and rmdir(2); the hierarchy's mount point is data, so that
// any directory can stand in for it. Other pods may make and remove theirs below the same base at the same moment.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { errnoOf, PeapodError } from "../../base/errors.ts";
import { readTextIfAny } from "../../base/files.ts";

/** Which rules a hierarchy has; `plain`: a cgroup is a directory and nothing more. */
export type HierarchyKind = "cpuset" | "v2" | "plain";

const MKDIR_TRIES = 100;
const LONGEST_PAUSE_MS = 20;

/**
 * Makes a cgroup and those above it; what is there stays. `path` is absolute inside the hierarchy.
 * @throws NOT_PERMITTED, OUT_OF_RESOURCES, HOST_LACKS
 */
export function makeCgroup(mount: string, path: string, kind: HierarchyKind): void {
  for (let tries = 1; ; tries += 1) {
    try {
      makeLevels(mount, path, kind);
      return;
    } catch (error) {
      // The last pod under the base may be taking it away between two of our mkdirs: begin again.
      const errno = errnoOf(error);
      const isRace = (errno === "ENOENT" || errno === "ENODEV") && existsSync(mount);
      if (!isRace || tries === MKDIR_TRIES) throw makeCgroupError(mount, path, error);
    }
  }
}

/** Removes a cgroup and all below it. False when `deadline` (as `Date.now` counts) passed first. */
export async function removeCgroup(dir: string, deadline: number): Promise<boolean> {
  for (let pauseMs = 1; !removeLevels(dir); pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    // A process that was killed leaves its cgroup a little after its death is told.
    if (Date.now() >= deadline) return false;
    await sleep(pauseMs);
  }
  return true;
}

/** True when it is gone; one that is in use stays. */
export function removeCgroupIfEmpty(dir: string): boolean {
  try {
    rmdirSync(dir);
    return true;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT") return true;
    if (errno === "EBUSY" || errno === "ENOTEMPTY") return false;
    throw error;
  }
}

/** The cgroup and all below it, parents first; empty where there is none. */
export function listLevelsBelow(dir: string): string[] {
  try {
    const below = readdirSync(dir, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return [dir, ...below.flatMap((entry) => listLevelsBelow(`${dir}/${entry.name}`))];
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}

/** Pids in a cgroup and all below it, ascending. 0, a process that our pid namespace cannot see, is left out. */
export function listPidsBelow(dir: string): number[] {
  const pids = listLevelsBelow(dir).flatMap((level) => words(readControl(`${level}/cgroup.procs`)).map(Number));
  return [...new Set(pids)].filter((pid) => pid > 0).sort((a, b) => a - b);
}

/** Text of a control file; empty where its cgroup is gone (ENODEV: it went after the open). */
export function readControl(file: string): string {
  try {
    return readTextIfAny(file) ?? "";
  } catch (error) {
    if (errnoOf(error) === "ENODEV") return "";
    throw error;
  }
}

function makeLevels(mount: string, path: string, kind: HierarchyKind): void {
  let dir = mount;
  for (const name of path.split("/").filter((part) => part !== "")) {
    if (kind === "v2") enableControllers(dir);
    dir = `${dir}/${name}`;
    try {
      mkdirSync(dir, { mode: 0o755 });
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error;
    }
    if (kind === "cpuset") fillCpuset(dir);
  }
  if (kind === "v2") enableControllers(dir);
}

/** A v1 cpuset without processors and memory nodes takes no process (cpuset(7)). */
function fillCpuset(dir: string): void {
  for (const name of ["cpuset.cpus", "cpuset.mems"]) {
    if (readControl(`${dir}/${name}`).trim() !== "") continue;
    writeFileSync(`${dir}/${name}`, readFileSync(`${dirname(dir)}/${name}`, "utf8").trim());
  }
}

/** v2: what the children shall be able to limit must be handed down level by level (cgroups(7)). */
export function enableControllers(dir: string): void {
  const enabled = words(readControl(`${dir}/cgroup.subtree_control`));
  const missing = words(readControl(`${dir}/cgroup.controllers`)).filter((name) => !enabled.includes(name));
  // All in one write, or where one cannot be had (cpu, while real-time processes are about) each by itself:
  // a controller is missed only by who sets its limit, and then the runtime says so.
  if (missing.length > 0 && !enable(dir, missing)) for (const name of missing) enable(dir, [name]);
}

function enable(dir: string, names: readonly string[]): boolean {
  try {
    writeFileSync(`${dir}/cgroup.subtree_control`, names.map((name) => `+${name}`).join(" "));
    return true;
  } catch {
    return false;
  }
}

function removeLevels(dir: string): boolean {
  // In most cases the runtime has removed its leaves: then one call does it.
  if (removeCgroupIfEmpty(dir)) return true;
  const levels = listLevelsBelow(dir).reverse();
  return levels.map(removeCgroupIfEmpty).every(Boolean);
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

function makeCgroupError(mount: string, path: string, cause: unknown): PeapodError {
  switch (errnoOf(cause)) {
    case "ENOSPC":
    case "ENOMEM":
    case "EAGAIN":
      return new PeapodError("OUT_OF_RESOURCES", `cgroup ${path}: ${mount} takes no more cgroups`, { cause });
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return new PeapodError("NOT_PERMITTED", `cgroup ${path}: cannot be made in ${mount}`, {
        cause,
        hint: "peapod needs root and a writable cgroup file system",
      });
    default:
      return new PeapodError("HOST_LACKS", `cgroup ${path}: cannot be made in ${mount}: ${String(cause)}`, { cause });
  }
}
