// Which pods CRIU cannot put on disk, or could not take up again as what they were: found in the plan, before anything is
// touched. What only a look at the processes tells (a device, a socket of somebody else's) is for CRIU to say. Pure.

import { isLent } from "./pins.ts";
import type { Plan, PlannedContainer } from "./plan.ts";

export interface DumpWishes {
  readonly tcpEstablished: boolean;
}

/** One sentence that names the thing first; undefined: nothing in the plan stands against it. */
export function whyNotDumpable(plan: Plan, running: ReadonlySet<string>, wishes: DumpWishes): string | undefined {
  if (plan.outer !== undefined) return `pod ${plan.pod}: lives in a container of somebody else's`;
  if (plan.runtime.kind !== "runc")
    return `pod ${plan.pod}: runs by ${plan.runtime.kind}, and checkpoints are made by runc`;
  // What a pod's Secrets hold is in memory only, that of the programs included, which may remember those of before.
  if (plan.sandbox.vault !== undefined)
    return `pod ${plan.pod}: has or had Secrets, which would stand on disk with its memory`;
  const lent = plan.sandbox.namespaces.find((pin) => isLent(pin));
  if (lent !== undefined)
    return `pod ${plan.pod}: its ${lent.kind} namespace ends with the first process of ${lent.from}, and others are in it`;
  for (const container of plan.containers) {
    const why = running.has(container.name) ? whyNotContainer(container, wishes) : undefined;
    if (why !== undefined) return `container ${container.name}: ${why}`;
  }
  return undefined;
}

function whyNotContainer({ stdio, namespaces }: PlannedContainer, { tcpEstablished }: DumpWishes): string | undefined {
  if (stdio?.tty) return "has a terminal, which is not its own";
  if (namespaces.user.scope !== "host") return "has a user namespace";
  if (namespaces.pid.scope !== "private") return `is in the pid namespace of ${whose(namespaces.pid.scope)}`;
  if (namespaces.time.scope !== "host") return "has a clock of its own, and CRIU would give it another";
  if (namespaces.cgroup.scope !== "private" && namespaces.cgroup.scope !== "host")
    return `is in the cgroup namespace of ${whose(namespaces.cgroup.scope)}`;
  if (tcpEstablished && namespaces.net.scope !== "pod")
    return "is not in the pod's own network: connections to others cannot be stopped with it";
  return undefined;
}

function whose(scope: string): string {
  return scope === "host" ? "the host" : scope === "pod" ? "the pod" : "another";
}
