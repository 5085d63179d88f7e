// Changes limits while containers run: of one or more containers, or of the pod itself; all of it or nothing. A marker
// lies in the pod's directory while the kernel may have half of it: a supervisor that finds one puts back what was.

import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PeapodError } from "../../base/errors.ts";
import { writeFileAtomic } from "../../base/files.ts";
import type { ContainerName } from "../../base/names.ts";
import { makeConfig } from "../../bundle/make-config.ts";
import { makeOciResources } from "../../bundle/oci-resources.ts";
import { stringifyConfig } from "../../bundle/write-bundles.ts";
import { readCpuset, writePodLimits } from "../../host/cgroups/cgroup-limits.ts";
import { fitMemory } from "../../host/cgroups/fit-memory.ts";
import { withAddresses } from "../../plan/addresses.ts";
import { canGroupOom } from "../../plan/host-limits.ts";
import type { PlannedResources } from "../../plan/plan.ts";
import { completeChange, makeReplacement, type ResourceChange } from "../../plan/resource-change.ts";
import { assertHasCgroup } from "../assert-cgroup.ts";
import type { ContainerKeeper } from "../container-keeper.ts";
import type { KeptPod } from "../context.ts";
import { assertWithinPod, type EffectiveResources, makeEffective, withUpdates } from "./effective-resources.ts";

type Limits = Partial<PlannedResources>;
type Cpuset = Pick<Limits, "cpusetCpus" | "cpusetMems">;
type Undo = (() => Promise<void>)[];

/** `keepers`: those of the containers that are meant, alive all of them; none: the pod itself. */
export async function updatePod(
  pod: KeptPod,
  keepers: readonly ContainerKeeper[],
  change: ResourceChange,
): Promise<void> {
  const { plan, journal, facts } = pod;
  const whose = keepers.length === 0 ? `pod ${plan.pod}` : `container ${keepers[0]?.planned.name}`;
  if (Object.keys(change).length === 0) throw new PeapodError("BAD_USAGE", `${whose}: nothing is to be changed`);
  assertHasCgroup(plan, "limited");
  if (change.oomGroup && !canGroupOom(facts))
    throw new PeapodError(
      "HOST_LACKS",
      `${whose}: cgroup version 1 kills one process at a time, there is no oom group`,
    );
  const old = makeEffective(plan, journal.state);
  const limitsSwap = facts.limitsSwap !== false;
  if (keepers.length === 0) {
    if (plan.outer !== undefined)
      throw new PeapodError("NOT_SUPPORTED", `${whose}: its limits are those of the container that it lives in`, {
        hint: "docker update changes them; peapod update POD CONTAINER those of one member",
      });
    const complete = completeChange(whose, old.pod, change, limitsSwap);
    await allOrNothing(pod, old, makeEffective(plan, journal.state, { pod: complete }), [], cpusetOf(complete));
    journal.append({ type: "pod.updated", resources: complete });
  } else {
    const changes = new Map(
      keepers.map(({ planned: { name } }): [ContainerName, ResourceChange] => {
        const before = old.containers.get(name) ?? {};
        return [name, completeChange(`container ${name}`, before, change, limitsSwap)];
      }),
    );
    await allOrNothing(pod, old, makeEffective(plan, journal.state, { containers: changes }), keepers);
    for (const [container, resources] of changes) journal.append({ type: "container.updated", container, resources });
    await writeConfigs(pod);
  }
  rmSync(marker(pod), { force: true });
}

/** After a supervisor's death: what was not journalled is undone, what was is in the containers' config.json. */
export async function finishUpdates(pod: KeptPod): Promise<void> {
  if (pod.journal.state.containers.some(({ resources }) => resources !== undefined)) await writeConfigs(pod);
  if (!existsSync(marker(pod))) return;
  const known = makeEffective(pod.plan, pod.journal.state);
  await writePodLimits(pod.plan.sandbox.cgroup, pod.facts, loosen(known.pod, undefined));
  for (const keeper of pod.containers.values()) {
    if (keeper.isAlive)
      await apply(pod, keeper, makeReplacement(EVERYTHING, known.containers.get(keeper.planned.name) ?? {}));
  }
  await writePodLimits(pod.plan.sandbox.cgroup, pod.facts, makeReplacement(EVERYTHING, known.pod));
  rmSync(marker(pod), { force: true });
}

/** Stands for limits of which nobody knows any more which were set. */
const EVERYTHING: Limits = {
  cpuQuotaUs: 0,
  memoryLimitBytes: 0,
  memorySwapBytes: 0,
  pidsLimit: 0,
  memoryReservationBytes: 0,
};

async function allOrNothing(
  pod: KeptPod,
  old: EffectiveResources,
  next: EffectiveResources,
  keepers: readonly ContainerKeeper[],
  cpuset: Cpuset = {},
): Promise<void> {
  const { cgroup } = pod.plan.sandbox;
  const undo: Undo = [];
  assertWithinPod(pod.plan, old, next);
  await fitMemories(pod, next, keepers);
  writeFileSync(marker(pod), "", { mode: 0o600 });
  try {
    // A child may not have more than its parent, so the parent is widened first and tightened last.
    if (keepers.length > 0) await writePodLimits(cgroup, pod.facts, loosen(old.pod, next.pod));
    undo.push(() => writePodLimits(cgroup, pod.facts, makeReplacement(next.pod, old.pod)));
    await followCpuset(pod, old, cpuset, undo);
    for (const keeper of keepers) {
      const { name, cgroupPath } = keeper.planned;
      const before = { ...readCpuset(cgroupPath, pod.facts), ...old.containers.get(name) };
      const after = next.containers.get(name) ?? {};
      undo.push(() => apply(pod, keeper, makeReplacement(after, before)));
      await apply(pod, keeper, makeReplacement(before, after));
    }
    await writePodLimits(cgroup, pod.facts, makeReplacement(old.pod, next.pod));
  } catch (error) {
    for (const step of undo.reverse()) await step().catch((failure: unknown) => pod.report(failure, "an undo failed"));
    rmSync(marker(pod), { force: true });
    throw error;
  }
}

/** @throws WRONG_STATE before anything is changed */
async function fitMemories(pod: KeptPod, next: EffectiveResources, keepers: readonly ContainerKeeper[]): Promise<void> {
  const { facts, plan } = pod;
  for (const { planned } of keepers) {
    const limit = next.containers.get(planned.name)?.memoryLimitBytes ?? 0;
    if (limit > 0) await fitMemory(`container ${planned.name}`, planned.cgroupPath, limit, facts);
  }
  const { cgroup } = plan.sandbox;
  const limit = next.pod.memoryLimitBytes ?? 0;
  if (limit > 0 && !cgroup.isCallers && cgroup.driver !== "none")
    await fitMemory(`pod ${plan.pod}`, cgroup.path, limit, facts);
}

/**
 * Version 1: a container's cgroup has processors and memory nodes of its own, and its parent's cannot be fewer. Those that
 * have none of their own by anybody's word follow the pod's, while the pod has the old and the new ones.
 */
async function followCpuset(pod: KeptPod, old: EffectiveResources, cpuset: Cpuset, undo: Undo): Promise<void> {
  const { plan, facts } = pod;
  if (facts.cgroupLayout === "v2" || Object.keys(cpuset).length === 0) return;
  const { cgroup } = plan.sandbox;
  const before = readCpuset(cgroup.path, facts);
  const both = Object.entries(cpuset).map(([key, list]) => [key, `${before[key as keyof Cpuset]},${list}`]);
  undo.push(() => writePodLimits(cgroup, facts, before));
  await writePodLimits(cgroup, facts, Object.fromEntries(both));
  for (const keeper of pod.containers.values()) {
    const own: Limits = old.containers.get(keeper.planned.name) ?? {};
    const followed = Object.fromEntries(
      Object.entries(cpuset).filter(([key]) => own[key as keyof Cpuset] === undefined),
    );
    if (!keeper.isAlive || Object.keys(followed).length === 0) continue;
    const had = readCpuset(keeper.planned.cgroupPath, facts);
    undo.push(() => apply(pod, keeper, had));
    await apply(pod, keeper, followed);
  }
}

function cpusetOf({ cpusetCpus, cpusetMems }: Limits): Cpuset {
  return { ...(cpusetCpus === undefined ? {} : { cpusetCpus }), ...(cpusetMems === undefined ? {} : { cpusetMems }) };
}

async function apply(pod: KeptPod, keeper: ContainerKeeper, limits: Limits): Promise<void> {
  const { blkioDevices: _, hugepages: __, ...rest } = limits;
  const { memory, unified, ...resources } = makeOciResources(rest);
  const isV2 = pod.facts.cgroupLayout === "v2";
  const gone = limits.memoryReservationBytes === 0;
  await pod.runtime.update(keeper.planned.name, {
    ...resources,
    ...(memory === undefined && !gone
      ? {}
      : // For what grows after we have looked. runc's systemd driver looks too late, when systemd has set the limit.
        { memory: { ...memory, ...(gone && !isV2 ? { reservation: -1 } : {}), checkBeforeUpdate: true } }),
    ...(unified === undefined && !(gone && isV2)
      ? {}
      : { unified: { ...unified, ...(gone && isV2 ? { "memory.low": "0" } : {}) } }),
  });
}

/** What is bounded by a parent (time and memory), as wide as the wider of the two. */
function loosen(old: Limits, next: Limits | undefined): Limits {
  const wider = (a: number | undefined, b: number | undefined) =>
    a === undefined || b === undefined || a < 0 || b < 0 ? -1 : Math.max(a, b);
  const both: Limits = {
    ...(old.cpuQuotaUs === undefined ? {} : { cpuQuotaUs: wider(old.cpuQuotaUs, next?.cpuQuotaUs) }),
    ...(old.memoryLimitBytes === undefined
      ? {}
      : { memoryLimitBytes: wider(old.memoryLimitBytes, next?.memoryLimitBytes) }),
    ...(old.memorySwapBytes === undefined
      ? {}
      : { memorySwapBytes: wider(old.memorySwapBytes, next?.memorySwapBytes) }),
  };
  return both;
}

/** For whoever creates a container anew. */
async function writeConfigs(pod: KeptPod): Promise<void> {
  const plan = withAddresses(withUpdates(pod.plan, pod.journal.state), pod.journal.state);
  if (plan.sandbox.vault !== undefined) {
    try {
      (await import("../volumes/vault.ts")).writeSecretBundles(plan, pod.journal.state);
    } catch (error) {
      pod.report(error, "new limits could not be written to the bundles");
    }
    return;
  }
  const changed = pod.journal.state.containers.filter(({ resources }) => resources !== undefined);
  for (const { name } of changed) {
    const container = plan.containers.find((one) => one.name === name);
    if (container === undefined) continue;
    try {
      writeFileAtomic(container.paths.config, stringifyConfig(makeConfig(plan, container)), 0o600);
    } catch (error) {
      pod.report(error, `container ${name}: its new limits could not be written to its bundle`);
    }
  }
}

function marker(pod: KeptPod): string {
  return join(pod.plan.paths.dir, "updating");
}
