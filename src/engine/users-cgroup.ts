// Cgroups of users' pods: each below what was handed down to the command that made it, so that only the pod's plan knows.

import { readOwnJson } from "../base/files.ts";
import { makePodPaths, type PodPaths } from "../base/paths.ts";
import { type CgroupFacts, listCgroupDirs } from "../host/cgroups/cgroups.ts";
import type { Plan, PodCgroup } from "../plan/plan.ts";
import { readPodNames } from "./looking/reader.ts";

/** None where the plan is gone: systemd takes the cgroup away with the last process in it. */
export function readCgroupOfUsers({ plan }: Pick<PodPaths, "plan">): PodCgroup[] {
  try {
    const found = readOwnJson<Plan>(plan)?.sandbox.cgroup;
    return found === undefined || found.driver === "none" ? [] : [found];
  } catch {
    return [];
  }
}

export function listCgroupsOfUsers(root: string, facts: CgroupFacts): string[] {
  return readPodNames(root).flatMap((pod) =>
    readCgroupOfUsers(makePodPaths(root, pod)).flatMap(({ path }) => listCgroupDirs(path, facts)),
  );
}
