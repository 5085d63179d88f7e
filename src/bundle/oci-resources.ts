// Planned amounts as OCI's LinuxResources (runtime-spec, config-linux.md): for a config.json and for an update of a
// container that runs. Keys always stand in the same order.

import type { DeviceLimit, PlannedResources } from "../plan/plan.ts";
import type { OciResources } from "./oci-config.ts";

const DEVICE_KEYS = {
  readBps: "throttleReadBpsDevice",
  writeBps: "throttleWriteBpsDevice",
  readIops: "throttleReadIOPSDevice",
  writeIops: "throttleWriteIOPSDevice",
} as const;

export function makeOciResources(resources: Partial<PlannedResources>): Omit<OciResources, "devices"> {
  const memory = withoutUnset({
    limit: resources.memoryLimitBytes,
    // 0 is none, for which OCI has no word.
    reservation: resources.memoryReservationBytes || undefined,
    swap: resources.memorySwapBytes,
  });
  const cpu = withoutUnset({
    shares: resources.cpuShares,
    quota: resources.cpuQuotaUs,
    period: resources.cpuPeriodUs,
    cpus: resources.cpusetCpus,
    mems: resources.cpusetMems,
  });
  const blockIO = withoutUnset({
    weight: resources.blkioWeight,
    ...Object.fromEntries(
      Object.entries(DEVICE_KEYS).map(([kind, key]) => [key, throttles(resources, kind as DeviceLimit["kind"])]),
    ),
  });
  const { pidsLimit, hugepages, oomGroup } = resources;
  return (
    withoutUnset({
      memory,
      cpu,
      pids: pidsLimit === undefined ? undefined : { limit: pidsLimit },
      blockIO,
      hugepageLimits: hugepages?.map(({ pageSize, limitBytes }) => ({ pageSize, limit: limitBytes })),
      unified: oomGroup === undefined ? undefined : { "memory.oom.group": oomGroup ? "1" : "0" },
    }) ?? {}
  );
}

function throttles({ blkioDevices = [] }: Partial<PlannedResources>, kind: DeviceLimit["kind"]) {
  const meant = blkioDevices.filter((one) => one.kind === kind);
  return meant.length === 0 ? undefined : meant.map(({ major, minor, rate }) => ({ major, minor, rate }));
}

/** Undefined where nothing is left. */
function withoutUnset<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } | undefined {
  const kept = Object.entries(fields).filter(([, value]) => value !== undefined);
  return kept.length === 0 ? undefined : (Object.fromEntries(kept) as { [K in keyof T]?: NonNullable<T[K]> });
}
