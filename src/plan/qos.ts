// Kubernetes' QoS class of a pod, and from it what the kubelet writes to oom_score_adj: who is killed first when the
// machine is out of memory.

import type { HostFacts } from "../host/facts.ts";
import type { Manifest, Resources } from "../manifest/manifest.ts";
import type { QosClass } from "./plan.ts";

const GUARANTEED = -997;
const BEST_EFFORT = 1000;

/** Init containers count as well. */
export function qosClassOf({ spec }: Manifest): QosClass {
  const all = spec.resources === undefined ? allResources(spec) : [spec.resources];
  const hasAny = all.some((one) =>
    [one.cpuLimitMilli, one.cpuRequestMilli, one.memoryLimitBytes, one.memoryRequestBytes].some(
      (value) => value !== undefined && value > 0,
    ),
  );
  if (!hasAny) return "BestEffort";
  return all.every(isGuaranteed) ? "Guaranteed" : "Burstable";
}

/** What the kubelet would write; a machine whose memory is not known is a large one. */
export function makeOomScoreAdj(manifest: Manifest, resources: Resources, { memoryBytes }: HostFacts): number {
  switch (qosClassOf(manifest)) {
    case "Guaranteed":
      return GUARANTEED;
    case "BestEffort":
      return BEST_EFFORT;
    case "Burstable": {
      const request = (resources.memoryRequestBytes ?? 0) + shareOfPod(manifest);
      const score = memoryBytes === undefined ? BEST_EFFORT : 1000 - Math.floor((1000 * request) / memoryBytes);
      // Later than best effort, earlier than guaranteed.
      return Math.min(Math.max(score, 1000 + GUARANTEED), BEST_EFFORT - 1);
    }
  }
}

/** What the pod requests beyond its containers' own, by equal parts. */
function shareOfPod({ spec }: Manifest): number {
  const { memoryRequestBytes } = spec.resources ?? {};
  if (memoryRequestBytes === undefined) return 0;
  const requested = spec.containers.reduce((sum, { resources }) => sum + (resources.memoryRequestBytes ?? 0), 0);
  return Math.floor(Math.max(0, memoryRequestBytes - requested) / spec.containers.length);
}

/** Only who may raise his own priority can lower this number (CAP_SYS_RESOURCE); undefined: it stays as we have it. */
export function reachableOomScoreAdj(
  wanted: number,
  { capabilities, oomScoreAdj = 0, user }: Pick<HostFacts, "capabilities" | "oomScoreAdj" | "user">,
): number | undefined {
  // In a user namespace the capability is not the machine's.
  const mayLower = user === undefined && capabilities.includes("SYS_RESOURCE");
  return wanted >= oomScoreAdj || mayLower ? wanted : undefined;
}

function isGuaranteed(one: Resources): boolean {
  return (
    one.cpuLimitMilli !== undefined &&
    one.memoryLimitBytes !== undefined &&
    one.cpuRequestMilli === one.cpuLimitMilli &&
    one.memoryRequestBytes === one.memoryLimitBytes
  );
}

function allResources(spec: Manifest["spec"]) {
  return spec.containers.map(({ resources }) => resources);
}
