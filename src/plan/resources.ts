// What one container may use, as cgroups take it: Kubernetes' fields and defaults, and our annotations.

import { PeapodError } from "../base/errors.ts";
import type { HostFacts } from "../host/facts.ts";
import type { HugepageSize } from "../manifest/hugepages.ts";
import { HUGEPAGE_SIZES } from "../manifest/hugepages.ts";
import type { Container, Manifest, Resources } from "../manifest/manifest.ts";
import { LEAST_SHARES, makeQuota, makeShares, PERIOD_US } from "./cpu-shares.ts";
import { canLimitHugepages, canLimitPids } from "./host-limits.ts";
import type { PlannedResources, Reason } from "./plan.ts";
import { makeOomScoreAdj, reachableOomScoreAdj } from "./qos.ts";
import { parseResourceAnnotations } from "./resource-annotations.ts";
import { defaultReason, isWritten, makeContainerPointer, makePlace, makePointer, manifestReason } from "./where.ts";

/** podman's default. */
const PIDS_LIMIT = 2048;
/** The kubelet's, for what holds the others' namespaces. */
const PAUSE_OOM_SCORE_ADJ = -998;

/** @throws BAD_MANIFEST, HOST_LACKS */
export function makeResources(
  manifest: Manifest,
  index: number,
  container: Container,
  facts: HostFacts,
): { resources: PlannedResources; reasons: Record<string, Reason> } {
  const { resources: amounts, name } = container;
  const at = (kind: "limits" | "requests", what: string) =>
    makeContainerPointer(manifest, index, "resources", kind, what);
  const reasons: Record<string, Reason> = {};
  const fromManifest = (part: string, ...pointers: string[]) => {
    const written = pointers.find((pointer) => isWritten(manifest.source, pointer)) ?? pointers[0] ?? "";
    reasons[`resources.${part}`] = manifestReason(manifest, written);
  };
  const { cpuLimitMilli, cpuRequestMilli, memoryLimitBytes, memoryRequestBytes } = amounts;
  if (cpuLimitMilli !== undefined) fromManifest("cpuQuota", at("limits", "cpu"));
  if (cpuRequestMilli !== undefined) fromManifest("cpuShares", at("requests", "cpu"), at("limits", "cpu"));
  if (memoryLimitBytes !== undefined) fromManifest("memory", at("limits", "memory"));
  if (memoryRequestBytes !== undefined)
    fromManifest("memoryReservation", at("requests", "memory"), at("limits", "memory"));
  const others = manifest.spec.containers.some((one) => one.resources.cpuRequestMilli !== undefined);
  const cpuShares = cpuRequestMilli !== undefined ? makeShares(cpuRequestMilli) : others ? LEAST_SHARES : undefined;
  if (cpuRequestMilli === undefined && others)
    reasons["resources.cpuShares"] = defaultReason("Kubernetes: the least, beside containers that request some");
  const written = parseResourceAnnotations(manifest, name, facts);
  const swap = makeSwap(manifest, name, memoryLimitBytes, written.limits.memorySwapBytes, facts);
  const oomScoreAdj = reachableOomScoreAdj(makeOomScoreAdj(manifest, amounts, facts), facts);
  if (written.limits.pidsLimit === undefined) reasons["resources.pidsLimit"] = defaultReason("podman's default");
  return {
    resources: {
      cpuShares,
      cpuQuotaUs: cpuLimitMilli === undefined ? undefined : makeQuota(cpuLimitMilli),
      cpuPeriodUs: cpuLimitMilli === undefined ? undefined : PERIOD_US,
      memoryLimitBytes,
      ...(memoryRequestBytes ? { memoryReservationBytes: memoryRequestBytes } : {}),
      ...(canLimitPids(facts) ? { pidsLimit: PIDS_LIMIT } : {}),
      ...written.limits,
      ...(swap === undefined ? {} : { memorySwapBytes: swap }),
      ...makeHugepages(manifest, amounts, at, facts),
      ...(oomScoreAdj === undefined ? {} : { oomScoreAdj }),
    },
    reasons: { ...reasons, ...written.reasons },
  };
}

/** The first process of a shared pid namespace: without limits, and the last to be killed. */
export function makePauseResources(facts: HostFacts): PlannedResources {
  const oomScoreAdj = reachableOomScoreAdj(PAUSE_OOM_SCORE_ADJ, facts);
  return {
    cpuShares: undefined,
    cpuQuotaUs: undefined,
    cpuPeriodUs: undefined,
    memoryLimitBytes: undefined,
    ...(oomScoreAdj === undefined ? {} : { oomScoreAdj }),
  };
}

/** Memory and swap together. As in Kubernetes a limit on memory is one on swap too, unless the annotation gives some. */
export function makeSwap(
  manifest: Manifest,
  container: string | undefined,
  limit: number | undefined,
  written: number | undefined,
  facts: HostFacts,
): number | undefined {
  if (written === undefined) return limit !== undefined && facts.limitsSwap !== false ? limit : undefined;
  const name = container === undefined ? "peapod/memorySwap" : `peapod/memorySwap.${container}`;
  const place = makePlace(manifest.source, makePointer("metadata", "annotations", name));
  if (limit === undefined)
    throw new PeapodError("BAD_MANIFEST", `annotation ${name}: needs a limit on memory beside it (${place})`);
  if (written !== -1 && written < limit)
    throw new PeapodError(
      "BAD_MANIFEST",
      `annotation ${name}: is memory and swap together, so it must not be less than the limit on memory (${place})`,
    );
  return written;
}

/** Where one container of the pod asks for huge pages, the others have none. @throws HOST_LACKS */
function makeHugepages(
  manifest: Manifest,
  own: Resources,
  at: (kind: "limits", what: string) => string,
  facts: HostFacts,
): Pick<PlannedResources, "hugepages"> {
  const all = [...manifest.spec.containers.map(({ resources }) => resources), manifest.spec.resources ?? own];
  const asked = HUGEPAGE_SIZES.filter((size) => all.some((one) => one.hugepages?.[size] !== undefined));
  if (asked.length === 0) return {};
  if (!canLimitHugepages(facts)) {
    const size = asked[0] as HugepageSize;
    const place = makePlace(manifest.source, at("limits", `hugepages-${size}`));
    throw new PeapodError("HOST_LACKS", `hugepages-${size}: no hugetlb cgroup is mounted here (${place})`);
  }
  return { hugepages: asked.map((size) => asPages(size, own.hugepages?.[size] ?? 0)) };
}

export function asPages(size: HugepageSize, limitBytes: number) {
  return { pageSize: size === "2Mi" ? ("2MB" as const) : ("1GB" as const), limitBytes };
}
