// The limits that hold now: the plan's, with what updates changed since, and the pod's summed up anew. Pure.

import { PeapodError } from "../../base/errors.ts";
import type { ContainerName } from "../../base/names.ts";
import { mostAtOnce } from "../../manifest/at-once.ts";
import type { Plan, PlannedResources } from "../../plan/plan.ts";
import { coresOf, makePodLimits, memoryOf } from "../../plan/pod-resources.ts";
import type { ResourceChange } from "../../plan/resource-change.ts";
import type { PodState } from "../../state/pod-state.ts";
import type { ResourceReport } from "../engine.ts";

export interface EffectiveResources {
  readonly containers: ReadonlyMap<ContainerName, PlannedResources>;
  /** On the pod's cgroup; empty in a caller's container, whose limits are the caller's. */
  readonly pod: Partial<PlannedResources>;
}

/** `more`: changes that are not in the state yet. */
export function makeEffective(
  plan: Plan,
  state: Pick<PodState, "resources" | "containers">,
  more: { readonly pod?: ResourceChange; readonly containers?: ReadonlyMap<ContainerName, ResourceChange> } = {},
): EffectiveResources {
  const containers = new Map(
    plan.containers.map(({ name, resources }): [ContainerName, PlannedResources] => {
      const changed = state.containers.find((one) => one.name === name)?.resources;
      return [name, { ...resources, ...changed, ...more.containers?.get(name) }];
    }),
  );
  if (plan.outer !== undefined || plan.sandbox.resources === undefined) return { containers, pod: {} };
  const own = { ...plan.sandbox.resources.own, ...state.resources, ...more.pod };
  const members = plan.containers.map(({ name, role }) => ({
    role,
    resources: containers.get(name) as PlannedResources,
  }));
  return { containers, pod: makePodLimits(own, members) };
}

/**
 * Kubernetes' rule for a pod that has limits of its own, as the manifest's check has it. What was beyond it before is let be.
 * @throws BAD_USAGE where a container would have more than the pod, or all together ask for more
 */
export function assertWithinPod(plan: Plan, old: EffectiveResources, next: EffectiveResources): void {
  const known = new Set(listExcesses(plan, old).map(({ what }) => what));
  const excess = listExcesses(plan, next).find(({ what }) => !known.has(what));
  if (excess !== undefined) throw new PeapodError("BAD_USAGE", `${excess.what} ${excess.bound}`);
}

/** `bound`: what `what` must keep to. */
function listExcesses({ pod, containers: planned }: Plan, { pod: own, containers }: EffectiveResources) {
  const [memory, cores] = [memoryOf(own) ?? Number.POSITIVE_INFINITY, coresOf(own) ?? Number.POSITIVE_INFINITY];
  const excesses = [...containers].flatMap(([name, limits]) => [
    ...((memoryOf(limits) ?? 0) > memory
      ? [{ what: `container ${name}: its limit on memory`, bound: `must not be more than the pod's, ${memory} bytes` }]
      : []),
    ...((coresOf(limits) ?? 0) > cores
      ? [{ what: `container ${name}: its limit on cpu`, bound: `must not be more than the pod's, ${cores} cores` }]
      : []),
  ]);
  const requested = mostAtOnce(
    planned.map(({ name, role }) => ({ role, amount: containers.get(name)?.memoryReservationBytes ?? 0 })),
  );
  if (requested <= memory) return excesses;
  const bound = `must not be less than its containers' reservations together, ${requested} bytes`;
  return [...excesses, { what: `pod ${pod}: its limit on memory`, bound }];
}

/** The same plan, as it would be made now. */
export function withUpdates(plan: Plan, state: Pick<PodState, "resources" | "containers">): Plan {
  if (state.containers.every(({ resources }) => resources === undefined)) return plan;
  const { containers } = makeEffective(plan, state);
  return {
    ...plan,
    containers: plan.containers.map((one) => ({ ...one, resources: containers.get(one.name) ?? one.resources })),
  };
}

export function makeReport(plan: Plan, state: Pick<PodState, "resources" | "containers">): ResourceReport {
  const { pod, containers } = makeEffective(plan, state);
  return { qosClass: plan.sandbox.resources?.qosClass ?? null, pod, containers: Object.fromEntries(containers) };
}
