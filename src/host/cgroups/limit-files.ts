// A pod's limits as the files of its cgroup that hold them: version 1's, version 2's, or the words of systemd. Pure.

import { makeWeight } from "../../plan/cpu-shares.ts";
import type { DeviceLimit, PlannedResources } from "../../plan/plan.ts";

type Limits = Partial<PlannedResources>;

export interface LimitFile {
  readonly controller: string;
  /** The first of these that is there. */
  readonly names: readonly string[];
  readonly value: string;
  /** Says what it is, for errors. */
  readonly what: string;
  /** A kernel without it serves as well: nobody asked for it in so many words. */
  readonly isOptional?: true;
}

const V1_DEVICES = {
  readBps: "blkio.throttle.read_bps_device",
  writeBps: "blkio.throttle.write_bps_device",
  readIops: "blkio.throttle.read_iops_device",
  writeIops: "blkio.throttle.write_iops_device",
} as const;
const V2_DEVICES = { readBps: "rbps", writeBps: "wbps", readIops: "riops", writeIops: "wiops" } as const;

/** In the order in which the kernel takes them (a limit on memory and swap is never below that on memory). */
export function makeLimitFiles(limits: Limits, layout: "v1" | "hybrid" | "v2"): readonly LimitFile[] {
  return layout === "v2" ? makeV2(limits) : makeV1(limits);
}

function makeV1(limits: Limits): LimitFile[] {
  const { cpuQuotaUs, cpuPeriodUs } = limits;
  return [
    ...one("cpu", ["cpu.shares"], limits.cpuShares, "cpu shares", true),
    ...one("cpu", ["cpu.cfs_period_us"], cpuPeriodUs, "cpu period"),
    ...one("cpu", ["cpu.cfs_quota_us"], cpuQuotaUs, "cpu quota"),
    ...one("cpuset", ["cpuset.cpus"], limits.cpusetCpus, "cpuset"),
    ...one("cpuset", ["cpuset.mems"], limits.cpusetMems, "memory nodes"),
    ...one(
      "memory",
      ["memory.soft_limit_in_bytes"],
      limits.memoryReservationBytes === 0 ? -1 : limits.memoryReservationBytes,
      "memory reservation",
    ),
    ...one("memory", ["memory.limit_in_bytes"], limits.memoryLimitBytes, "memory limit"),
    ...one("memory", ["memory.memsw.limit_in_bytes"], limits.memorySwapBytes, "limit of memory and swap"),
    ...one("pids", ["pids.max"], maxOf(limits.pidsLimit), "limit of pids"),
    ...one("blkio", ["blkio.bfq.weight", "blkio.weight"], limits.blkioWeight, "block i/o weight"),
    ...(limits.blkioDevices ?? []).flatMap((device) =>
      one("blkio", [V1_DEVICES[device.kind]], `${numbersOf(device)} ${device.rate}`, "limit of a device"),
    ),
    ...(limits.hugepages ?? []).flatMap(({ pageSize, limitBytes }) =>
      one("hugetlb", [`hugetlb.${pageSize}.limit_in_bytes`], limitBytes, "limit of huge pages"),
    ),
  ];
}

function makeV2(limits: Limits): LimitFile[] {
  const { cpuShares, blkioWeight, oomGroup } = limits;
  return [
    ...one("cpu", ["cpu.weight"], cpuShares === undefined ? undefined : makeWeight(cpuShares), "cpu weight", true),
    ...one("cpu", ["cpu.max"], cpuMax(limits), "cpu quota"),
    ...one("cpuset", ["cpuset.cpus"], limits.cpusetCpus, "cpuset"),
    ...one("cpuset", ["cpuset.mems"], limits.cpusetMems, "memory nodes"),
    ...one("memory", ["memory.low"], limits.memoryReservationBytes, "memory reservation"),
    ...one("memory", ["memory.max"], maxOf(limits.memoryLimitBytes), "memory limit"),
    ...one("memory", ["memory.swap.max"], swapMax(limits), "limit of swap"),
    ...one("memory", ["memory.oom.group"], oomGroup === undefined ? undefined : oomGroup ? 1 : 0, "oom group"),
    ...one("pids", ["pids.max"], maxOf(limits.pidsLimit), "limit of pids"),
    ...(blkioWeight === undefined ? [] : makeIoWeight(blkioWeight)),
    ...(limits.blkioDevices ?? []).flatMap((device) =>
      one("io", ["io.max"], `${numbersOf(device)} ${V2_DEVICES[device.kind]}=${device.rate}`, "limit of a device"),
    ),
    ...(limits.hugepages ?? []).flatMap(({ pageSize, limitBytes }) =>
      one("hugetlb", [`hugetlb.${pageSize}.max`], limitBytes, "limit of huge pages"),
    ),
  ];
}

/** systemd.resource-control(5), version 2's words; what it has no word for is written to the files afterwards. */
export function makeSystemdProperties(limits: Limits): readonly string[] {
  const { cpuShares, cpuQuotaUs, cpuPeriodUs, cpusetCpus, cpusetMems, blkioWeight } = limits;
  const infinite = (value: number | undefined) => (value === -1 ? "infinity" : value);
  const devices = { readBps: "IOReadBandwidthMax", writeBps: "IOWriteBandwidthMax" } as const;
  const rates = { readIops: "IOReadIOPSMax", writeIops: "IOWriteIOPSMax" } as const;
  const properties: readonly [string, string | number | undefined][] = [
    ["CPUWeight", cpuShares === undefined ? undefined : makeWeight(cpuShares)],
    ["CPUQuota", cpuQuotaUs === undefined ? undefined : quotaPercent(cpuQuotaUs, cpuPeriodUs)],
    ["CPUQuotaPeriodSec", cpuQuotaUs === undefined || cpuQuotaUs < 0 ? undefined : `${cpuPeriodUs ?? 100_000}us`],
    ["AllowedCPUs", cpusetCpus],
    ["AllowedMemoryNodes", cpusetMems],
    ["MemoryLow", infinite(limits.memoryReservationBytes)],
    ["MemoryMax", infinite(limits.memoryLimitBytes)],
    ["MemorySwapMax", swapMax(limits)?.replace("max", "infinity")],
    ["TasksMax", infinite(limits.pidsLimit)],
    ["IOWeight", blkioWeight === undefined ? undefined : ioWeight(blkioWeight)],
    ...(limits.blkioDevices ?? []).map((device): [string, string] => [
      { ...devices, ...rates }[device.kind],
      `/dev/block/${numbersOf(device)} ${device.rate}`,
    ]),
  ];
  return properties.filter(([, value]) => value !== undefined).map(([name, value]) => `${name}=${value}`);
}

function one(
  controller: string,
  names: readonly string[],
  value: string | number | undefined,
  what: string,
  isOptional = false,
): LimitFile[] {
  if (value === undefined) return [];
  return [{ controller, names, value: String(value), what, ...(isOptional ? { isOptional } : {}) }];
}

function makeIoWeight(weight: number): LimitFile[] {
  const bfq = { controller: "io", names: ["io.bfq.weight"], value: String(weight), what: "block i/o weight" };
  const usual = { ...bfq, names: ["io.weight"], value: `default ${ioWeight(weight)}` };
  return [{ ...bfq, isOptional: true }, usual];
}

/** OCI's 10 to 1000 as version 2's 1 to 10000, as runc does it. */
function ioWeight(weight: number): number {
  return 1 + Math.floor(((weight - 10) * 9999) / 990);
}

function cpuMax({ cpuQuotaUs, cpuPeriodUs }: Limits): string | undefined {
  if (cpuQuotaUs === undefined) return undefined;
  return `${cpuQuotaUs < 0 ? "max" : cpuQuotaUs} ${cpuPeriodUs ?? 100_000}`;
}

/** Version 2 counts swap alone. */
function swapMax({ memorySwapBytes, memoryLimitBytes }: Limits): string | undefined {
  if (memorySwapBytes === undefined) return undefined;
  if (memorySwapBytes < 0) return "max";
  return memoryLimitBytes === undefined || memoryLimitBytes < 0
    ? undefined
    : String(memorySwapBytes - memoryLimitBytes);
}

function maxOf(value: number | undefined): string | number | undefined {
  return value === -1 ? "max" : value;
}

/** systemd wants percents, of one processor; empty takes the quota away. */
function quotaPercent(quotaUs: number, periodUs = 100_000): string {
  return quotaUs < 0 ? "" : `${Math.max(1, Math.ceil((quotaUs * 100) / periodUs))}%`;
}

function numbersOf({ major, minor }: DeviceLimit): string {
  return `${major}:${minor}`;
}
