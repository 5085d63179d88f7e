import t from "tap";
import { makeLimitFiles, makeSystemdProperties } from "../../../../src/host/cgroups/limit-files.ts";

const LIMITS = {
  cpuShares: 1024,
  cpuQuotaUs: 50_000,
  cpuPeriodUs: 100_000,
  cpusetCpus: "0-1",
  cpusetMems: "0",
  memoryLimitBytes: 64 << 20,
  memoryReservationBytes: 32 << 20,
  memorySwapBytes: 96 << 20,
  pidsLimit: 100,
  blkioWeight: 500,
  blkioDevices: [{ kind: "readBps", major: 8, minor: 0, rate: 4096 }],
  hugepages: [{ pageSize: "2MB", limitBytes: 4 << 20 }],
} as const;

function written(limits: Parameters<typeof makeLimitFiles>[0], layout: "hybrid" | "v2"): string[] {
  return makeLimitFiles(limits, layout).map(({ names, value }) => `${names[0]} ${value}`);
}

t.test("version 1 has a file for each", async (t) => {
  t.same(written(LIMITS, "hybrid"), [
    "cpu.shares 1024",
    "cpu.cfs_period_us 100000",
    "cpu.cfs_quota_us 50000",
    "cpuset.cpus 0-1",
    "cpuset.mems 0",
    "memory.soft_limit_in_bytes 33554432",
    "memory.limit_in_bytes 67108864",
    "memory.memsw.limit_in_bytes 100663296",
    "pids.max 100",
    "blkio.bfq.weight 500",
    "blkio.throttle.read_bps_device 8:0 4096",
    "hugetlb.2MB.limit_in_bytes 4194304",
  ]);
});

t.test("version 2 counts weights and swap in its own way", async (t) => {
  t.same(written({ ...LIMITS, oomGroup: true }, "v2"), [
    "cpu.weight 39",
    "cpu.max 50000 100000",
    "cpuset.cpus 0-1",
    "cpuset.mems 0",
    "memory.low 33554432",
    "memory.max 67108864",
    "memory.swap.max 33554432",
    "memory.oom.group 1",
    "pids.max 100",
    "io.bfq.weight 500",
    "io.weight default 4950",
    "io.max 8:0 rbps=4096",
    "hugetlb.2MB.max 4194304",
  ]);
});

t.test("-1 takes a limit away in each version's words", async (t) => {
  const none = { cpuQuotaUs: -1, memoryLimitBytes: -1, memorySwapBytes: -1, pidsLimit: -1, memoryReservationBytes: 0 };
  t.same(written(none, "hybrid"), [
    "cpu.cfs_quota_us -1",
    "memory.soft_limit_in_bytes -1",
    "memory.limit_in_bytes -1",
    "memory.memsw.limit_in_bytes -1",
    "pids.max max",
  ]);
  t.same(written(none, "v2"), [
    "cpu.max max 100000",
    "memory.low 0",
    "memory.max max",
    "memory.swap.max max",
    "pids.max max",
  ]);
});

t.test("systemd has words of its own", async (t) => {
  t.same(makeSystemdProperties(LIMITS), [
    "CPUWeight=39",
    "CPUQuota=50%",
    "CPUQuotaPeriodSec=100000us",
    "AllowedCPUs=0-1",
    "AllowedMemoryNodes=0",
    "MemoryLow=33554432",
    "MemoryMax=67108864",
    "MemorySwapMax=33554432",
    "TasksMax=100",
    "IOWeight=4950",
    "IOReadBandwidthMax=/dev/block/8:0 4096",
  ]);
  t.same(makeSystemdProperties({ cpuQuotaUs: -1, memoryLimitBytes: -1, memorySwapBytes: -1, pidsLimit: -1 }), [
    "CPUQuota=",
    "MemoryMax=infinity",
    "MemorySwapMax=infinity",
    "TasksMax=infinity",
  ]);
});
