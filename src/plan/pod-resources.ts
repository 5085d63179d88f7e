// What stands on the pod's own cgroup: what the manifest says of the pod, and as the kubelet does it what its containers
// have together, where each of them has a limit. Pure, on planned amounts, so that an update is summed up the same way.

import type { HostFacts } from "../host/facts.ts";
import { mostAtOnce } from "../manifest/at-once.ts";
import { HUGEPAGE_SIZES } from "../manifest/hugepages.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { boundShares, LEAST_SHARES, makeQuota, makeShares, PERIOD_US } from "./cpu-shares.ts";
import type { PlannedContainer, PlannedResources, PodResources } from "./plan.ts";
import { qosClassOf } from "./qos.ts";
import { parseResourceAnnotations } from "./resource-annotations.ts";
import { asPages, makeSwap } from "./resources.ts";

type Limits = Partial<PlannedResources>;
/** `role`: `main`, `pause`, `sidecar` or `init`. */
type Member = { readonly role: string; readonly resources: PlannedResources };

/** @throws BAD_MANIFEST, HOST_LACKS */
export function makePodResources(
  manifest: Manifest,
  containers: readonly PlannedContainer[],
  facts: HostFacts,
): PodResources {
  const { resources } = manifest.spec;
  const written = parseResourceAnnotations(manifest, undefined, facts).limits;
  const { cpuLimitMilli, cpuRequestMilli, memoryLimitBytes, memoryRequestBytes, hugepages } = resources ?? {};
  const pages = HUGEPAGE_SIZES.flatMap((size) => {
    const bytes = hugepages?.[size];
    return bytes === undefined ? [] : [asPages(size, bytes)];
  });
  const swap = makeSwap(manifest, undefined, memoryLimitBytes, written.memorySwapBytes, facts);
  const own: Limits = {
    ...written,
    ...(cpuRequestMilli === undefined ? {} : { cpuShares: makeShares(cpuRequestMilli) }),
    ...(cpuLimitMilli === undefined ? {} : { cpuQuotaUs: makeQuota(cpuLimitMilli), cpuPeriodUs: PERIOD_US }),
    ...(memoryLimitBytes === undefined ? {} : { memoryLimitBytes }),
    ...(memoryRequestBytes ? { memoryReservationBytes: memoryRequestBytes } : {}),
    ...(swap === undefined ? {} : { memorySwapBytes: swap }),
    ...(pages.length === 0 ? {} : { hugepages: pages }),
  };
  return { qosClass: qosClassOf(manifest), own, limits: makePodLimits(own, containers) };
}

export function makePodLimits(own: Limits, containers: readonly Member[]): Limits {
  const members = containers.filter(({ role }) => role !== "pause");
  const shares = most(members, ({ cpuShares }) => (cpuShares === LEAST_SHARES ? 0 : (cpuShares ?? 0)));
  const memory = sumIfAll(members, memoryOf);
  const swap = sumIfAll(members, (one) => one.memorySwapBytes);
  const cores = sumIfAll(members, coresOf);
  const reservation = most(members, (one) => one.memoryReservationBytes ?? 0);
  const pages = makePages(members);
  const together: Limits = {
    cpuShares: boundShares(shares),
    ...(cores === undefined ? {} : { cpuQuotaUs: Math.ceil(cores * PERIOD_US), cpuPeriodUs: PERIOD_US }),
    ...(memory === undefined ? {} : { memoryLimitBytes: memory }),
    ...(reservation === 0 ? {} : { memoryReservationBytes: reservation }),
    // A limit of the pod's own on memory has one on swap of its own.
    ...(swap === undefined || memory === undefined || own.memoryLimitBytes !== undefined
      ? {}
      : { memorySwapBytes: members.some((one) => one.resources.memorySwapBytes === -1) ? -1 : swap }),
    ...(pages.length === 0 ? {} : { hugepages: pages }),
  };
  return { ...together, ...own };
}

/** A quota of -1 is none. */
export function coresOf({ cpuQuotaUs, cpuPeriodUs }: Limits): number | undefined {
  return cpuQuotaUs === undefined || cpuQuotaUs < 0 ? undefined : cpuQuotaUs / (cpuPeriodUs ?? PERIOD_US);
}

/** As -1 is none. */
export function memoryOf({ memoryLimitBytes }: Limits): number | undefined {
  return memoryLimitBytes === undefined || memoryLimitBytes < 0 ? undefined : memoryLimitBytes;
}

function sumIfAll(members: readonly Member[], of: (resources: PlannedResources) => number | undefined) {
  if (members.length === 0 || members.some(({ resources }) => of(resources) === undefined)) return undefined;
  return most(members, (resources) => of(resources) ?? 0);
}

function most(members: readonly Member[], of: (resources: PlannedResources) => number): number {
  return mostAtOnce(members.map(({ role, resources }) => ({ role, amount: of(resources) })));
}

function makePages(members: readonly Member[]): NonNullable<PlannedResources["hugepages"]> {
  const sizes = new Set(
    members.flatMap(({ resources }) => (resources.hugepages ?? []).map(({ pageSize }) => pageSize)),
  );
  return [...sizes].map((pageSize) => ({
    pageSize,
    limitBytes: most(members, ({ hugepages }) => hugepages?.find((one) => one.pageSize === pageSize)?.limitBytes ?? 0),
  }));
}
