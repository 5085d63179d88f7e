// The same plan in another directory: for bundles that are written to be run by hand, beside a pod of ours.

import type { ContainerName } from "../base/names.ts";
import { makeCgroup, makeContainerCgroup } from "../plan/cgroups.ts";
import type { Plan } from "../plan/plan.ts";

/**
 * Every path below the pod's own directory lies below `dir` (absolute) instead, and the cgroup is one that no pod of
 * ours has.
 */
export function rebasePlan(plan: Plan, dir: string): Plan {
  const moved = moveStrings(plan, plan.paths.dir, dir) as Plan;
  const cgroup = makeCgroup(dir, plan.pod, plan.sandbox.cgroup.driver);
  return {
    ...moved,
    root: dir,
    paths: { ...moved.paths, logs: `${dir}/logs` },
    sandbox: {
      ...moved.sandbox,
      cgroup,
      passable: moved.sandbox.passable.filter((path) => path === dir || path.startsWith(`${dir}/`)),
    },
    // Nobody there takes a terminal or gives input: output goes to files.
    containers: moved.containers.map(({ stdio: _, ...container }) => ({
      ...container,
      paths: { ...container.paths, logDir: `${dir}/logs` },
      cgroupPath: makeContainerCgroup(cgroup, container.name as ContainerName),
    })),
  };
}

function moveStrings(value: unknown, from: string, to: string): unknown {
  if (typeof value === "string") {
    if (value === from || value.startsWith(`${from}/`)) return `${to}${value.slice(from.length)}`;
    return value.includes(`=${from}/`) ? value.replaceAll(`=${from}/`, `=${to}/`) : value;
  }
  if (Array.isArray(value)) return value.map((item) => moveStrings(item, from, to));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, moveStrings(item, from, to)]));
}
