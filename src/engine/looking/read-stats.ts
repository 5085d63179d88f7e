// Looks at the counters of pods again and again. From their directories and the kernel alone: wakes no supervisor.

import { availableParallelism, totalmem } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { PeapodError } from "../../base/errors.ts";
import { PAUSE, type PodName } from "../../base/names.ts";
import { readCgroupUsage } from "../../host/cgroups/cgroup-usage.ts";
import { hasCgroups, listContainerPids } from "../../host/cgroups/population.ts";
import type { HostFacts } from "../../host/facts.ts";
import { readNetUsage } from "../../host/net-usage.ts";
import { readProcessUsage } from "../../host/process-usage.ts";
import { readHostFacts } from "../../host/read-facts.ts";
import type { Plan, PlannedContainer } from "../../plan/plan.ts";
import { readPlan, readPodNames, readPodState } from "./reader.ts";
import { makeFrame, type PodSample, type Sample, type StatsFrame, type StatsRequest } from "./stats.ts";

/** Before the first frame; a rate over less is mostly noise. */
const ONCE_MS = 500;

/** Ends when the signal aborts, or when no pod is left of those that were named. @throws NOT_FOUND for one that is not there */
export async function* readStats(root: string, request: StatsRequest): AsyncIterable<StatsFrame> {
  const facts = readHostFacts();
  const machine = { cpus: availableParallelism(), memoryBytes: totalmem() };
  let before = readSample(root, request.pods, facts);
  const { signal, once } = request;
  for (const pod of request.pods ?? []) {
    if (!before.pods.some((one) => one.pod === pod)) readPlan(root, pod);
  }
  let waitMs = once ? ONCE_MS : Math.min(ONCE_MS, request.intervalMs);
  while (await pause(waitMs, signal)) {
    waitMs = request.intervalMs;
    const now = readSample(root, request.pods, facts);
    yield makeFrame(before, now, new Date().toISOString(), machine);
    before = now;
    if (once || (request.pods !== undefined && now.pods.length === 0)) return;
  }
}

/** False when it was aborted. */
async function pause(ms: number, signal: AbortSignal | undefined): Promise<boolean> {
  return await sleep(ms, true, signal === undefined ? {} : { signal }).catch(() => false);
}

function readSample(root: string, pods: readonly PodName[] | undefined, facts: HostFacts): Sample {
  const names = pods ?? readPodNames(root);
  return { atMs: performance.now(), pods: names.flatMap((pod) => readPod(root, pod, facts)) };
}

/** A pod may go away, or not be there yet as a whole, while we look. */
function readPod(root: string, pod: PodName, facts: HostFacts): PodSample[] {
  try {
    const plan = readPlan(root, pod);
    const state = readPodState(root, pod);
    const containers = plan.containers.filter(({ name }) => name !== PAUSE);
    return [
      {
        pod,
        status: state.status,
        usage: readUsageOf(plan.sandbox.cgroup.path, plan.containers, facts),
        net: readNet(sharing(plan), facts),
        containers: containers.map((container) => ({
          name: container.name,
          status: state.containers.find(({ name }) => name === container.name)?.status ?? "planned",
          usage: readUsageOf(container.cgroupPath, [container], facts),
          net: container.namespaces.net.scope === "private" ? readNet([container], facts) : undefined,
        })),
      },
    ];
  } catch (error) {
    if (error instanceof PeapodError && (error.code === "NOT_FOUND" || error.code === "STATE_DAMAGED")) return [];
    throw error;
  }
}

function readUsageOf(cgroupPath: string, containers: readonly PlannedContainer[], facts: HostFacts) {
  if (hasCgroups(facts)) return readCgroupUsage(cgroupPath, facts);
  return readProcessUsage(containers.flatMap((container) => listContainerPids(container, facts)));
}

/** The containers in the pod's network; in a caller's container that is his, which the plan names by its path. */
function sharing({ containers, outer }: Plan): readonly PlannedContainer[] {
  const ours = outer === undefined ? "pod" : "path";
  return containers.filter(({ namespaces }) => namespaces.net.scope === ours);
}

function readNet(containers: readonly PlannedContainer[], facts: HostFacts) {
  for (const container of containers) {
    const pid = listContainerPids(container, facts)[0];
    const found = pid === undefined ? undefined : readNetUsage(pid);
    if (found !== undefined) return found;
  }
  return undefined;
}
