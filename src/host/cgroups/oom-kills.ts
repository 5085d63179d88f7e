// How many processes the kernel's out-of-memory killer ended in a cgroup and below it. Reads, and nothing more.

import { listLevelsBelow, readControl } from "./cgroup-tree.ts";
import type { CgroupFacts } from "./cgroups.ts";

/** Since the cgroup was made; undefined where nobody counts: no memory controller, or the cgroup is gone. */
export function readOomKills(path: string, { cgroupLayout, cgroupMounts }: CgroupFacts): number | undefined {
  // Version 2 counts for a cgroup and all below it (Documentation/admin-guide/cgroup-v2.rst, memory.events).
  if (cgroupLayout === "v2") return parseCount(readControl(`${cgroupMounts.unified}${path}/memory.events`));
  if (cgroupMounts.memory === undefined) return undefined;
  // Version 1 only where the victim was; a container may have made cgroups of its own.
  const counts = listLevelsBelow(cgroupMounts.memory + path)
    .map((dir) => parseCount(readControl(`${dir}/memory.oom_control`)))
    .filter((count) => count !== undefined);
  return counts.length === 0 ? undefined : counts.reduce((sum, count) => sum + count, 0);
}

/** `oom_kill 3`, in both files. */
function parseCount(text: string): number | undefined {
  const found = /^oom_kill (\d+)$/m.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}
