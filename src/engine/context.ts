// What one supervisor works with: fixed when it starts, read by all parts, written by none.

import type { ContainerName } from "../base/names.ts";
import type { ExitInbox } from "../exits/inbox.ts";
import type { HostFacts } from "../host/facts.ts";
import { isLent } from "../plan/pins.ts";
import type { PinnedNamespace, Plan, PlannedContainer } from "../plan/plan.ts";
import type { Journal } from "../state/journal.ts";
import type { ContainerIo } from "./container-io.ts";
import type { ContainerKeeper } from "./container-keeper.ts";
import type { UplinkKeeper } from "./networks/uplink-keeper.ts";
import type { GatedRuntime } from "./runtime-gate.ts";

export interface PodContext {
  readonly plan: Plan;
  readonly facts: HostFacts;
  readonly journal: Journal;
  readonly inbox: ExitInbox;
  readonly runtime: GatedRuntime;
  readonly io: ContainerIo;
  /** Set where it has one; see plan/uplink.ts. */
  readonly uplink?: UplinkKeeper;
  /** Path of what speaks to containers in their own network namespaces. */
  readonly probeProgram: string;
  /** Path of the reaper's program, which has a second use. */
  readonly reaperProgram: string;
  /** The pod has its result; its caller's container, where it lives in one, ends with it. May be told again. */
  readonly tellResult: (status: number) => void;
  /** To the supervisor's own log: what went wrong without anybody waiting for it. */
  readonly report: (error: unknown, message: string) => void;
}

export interface KeptPod extends PodContext {
  readonly containers: ReadonlyMap<ContainerName, ContainerKeeper>;
}

/** All that the manifest names. */
export function membersOf({ containers }: KeptPod): ContainerKeeper[] {
  return [...containers.values()].filter((keeper) => keeper.planned.role !== "pause");
}

/** The namespaces that live with this container's first process and are joined by others. */
export function pinsFrom(plan: Plan, name: ContainerName): readonly PinnedNamespace[] {
  return plan.sandbox.namespaces.filter((pin) => pin.from === name && isLent(pin));
}

export function plannedContainer(plan: Plan, name: ContainerName): PlannedContainer {
  const found = plan.containers.find((container) => container.name === name);
  if (found === undefined) throw new Error(`plan of ${plan.pod} names a container ${name} that it does not have`);
  return found;
}
