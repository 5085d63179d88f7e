// CPU and memory as cgroups take them, by Kubernetes' arithmetic.

import type { Container, Manifest } from "../manifest/manifest.ts";
import type { PlannedResources, Reason } from "./plan.ts";
import { isWritten, makeContainerPointer, manifestReason } from "./where.ts";

/** The kernel's default period, which Kubernetes keeps. */
const PERIOD_US = 100_000;
/** The kernel refuses less (Documentation/scheduler/sched-bwc). */
const LEAST_QUOTA_US = 1000;
const SHARES_PER_CPU = 1024;
const LEAST_SHARES = 2;
const MOST_SHARES = 262_144;

export function makeResources(
  manifest: Manifest,
  index: number,
  container: Container,
): { resources: PlannedResources; reasons: Record<string, Reason> } {
  const { cpuLimitMilli, cpuRequestMilli, memoryLimitBytes } = container.resources;
  const pointer = (kind: "limits" | "requests", what: "cpu" | "memory") =>
    makeContainerPointer(manifest, index, "resources", kind, what);
  const reasons: Record<string, Reason> = {};
  if (cpuLimitMilli !== undefined) reasons["resources.cpuQuota"] = manifestReason(manifest, pointer("limits", "cpu"));
  if (cpuRequestMilli !== undefined) {
    const own = pointer("requests", "cpu");
    const written = isWritten(manifest.source, own) ? own : pointer("limits", "cpu");
    reasons["resources.cpuShares"] = manifestReason(manifest, written);
  }
  if (memoryLimitBytes !== undefined)
    reasons["resources.memory"] = manifestReason(manifest, pointer("limits", "memory"));
  return {
    resources: {
      cpuShares: cpuRequestMilli === undefined ? undefined : makeShares(cpuRequestMilli),
      cpuQuotaUs: cpuLimitMilli === undefined ? undefined : makeQuota(cpuLimitMilli),
      cpuPeriodUs: cpuLimitMilli === undefined ? undefined : PERIOD_US,
      memoryLimitBytes,
    },
    reasons,
  };
}

function makeShares(milli: number): number {
  const shares = Math.floor((milli * SHARES_PER_CPU) / 1000);
  return Math.min(Math.max(shares, LEAST_SHARES), MOST_SHARES);
}

function makeQuota(milli: number): number {
  return Math.max(Math.floor((milli * PERIOD_US) / 1000), LEAST_QUOTA_US);
}
