// What a pod's state must know of its containers beforehand: the journal does not repeat the plan.

import { type ContainerName, PAUSE } from "../base/names.ts";
import type { ContainerRole, Plan, PlannedContainer } from "../plan/plan.ts";

export interface ContainerOutline {
  readonly name: ContainerName;
  readonly role: ContainerRole;
  /** As the manifest names it, and what exactly that was; absent in journals of old, for directories the second alone. */
  readonly image?: string;
  readonly imageId?: string;
  /** What must be told of it, once it runs, before it counts as started (`postStart`, `startup`) or ready (`readiness`). */
  readonly awaits: readonly ("postStart" | "startup" | "readiness")[];
}

/** In the plan's order, which decides whose exit code the pod ends with. */
export function makeOutlines(containers: readonly PlannedContainer[]): ContainerOutline[] {
  return containers.map(({ name, role, image, imageId, hooks, probes }) => ({
    name,
    role,
    ...(role === "pause" ? {} : { image }),
    ...(imageId === undefined ? {} : { imageId }),
    awaits: [
      ...(hooks?.postStart === undefined ? [] : (["postStart"] as const)),
      ...(probes?.startup === undefined ? [] : (["startup"] as const)),
      ...(probes?.readiness === undefined ? [] : (["readiness"] as const)),
    ],
  }));
}

/** For a journal without its plan: containers that wait for nothing. */
export function makeBareOutline(name: ContainerName): ContainerOutline {
  return { name, role: name === PAUSE ? "pause" : "main", awaits: [] };
}

/** Those that a pod's journal begins with. */
export function makeFirstOutlines({ containers, firstMembers }: Plan): readonly ContainerOutline[] {
  return firstMembers ?? makeOutlines(containers);
}
