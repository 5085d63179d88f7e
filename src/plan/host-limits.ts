// Which limits this machine's kernel can hold, from facts.

import type { HostFacts } from "../host/facts.ts";

/** In the hybrid layout version 1 has the controllers. */
function hasController(facts: HostFacts, name: string): boolean {
  if (facts.cgroupLayout !== "v2") return facts.cgroupMounts[name] !== undefined;
  return facts.cgroupControllers?.includes(name) ?? true;
}

export function canLimitPids(facts: HostFacts): boolean {
  return hasController(facts, "pids");
}

export function canLimitHugepages(facts: HostFacts): boolean {
  return hasController(facts, "hugetlb");
}

/** memory.oom.group is version 2's alone. */
export function canGroupOom(facts: HostFacts): boolean {
  return facts.cgroupLayout === "v2";
}
