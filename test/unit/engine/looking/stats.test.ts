import t from "tap";
import type { ContainerName, PodName } from "../../../../src/base/names.ts";
import { makeFrame, type Sample } from "../../../../src/engine/looking/stats.ts";
import type { CgroupUsage } from "../../../../src/host/cgroups/cgroup-usage.ts";

const MACHINE = { cpus: 4, memoryBytes: 1000 };
const TIME = "2026-11-22T10:00:00.000Z";

function usage(more: Partial<CgroupUsage>): CgroupUsage {
  const none = {
    throttledMicros: undefined,
    memoryBytes: undefined,
    memoryLimitBytes: undefined,
    readBytes: undefined,
  };
  const others = { writtenBytes: undefined, pids: undefined, pidsLimit: undefined, pressure: undefined };
  return { cpuMicros: undefined, ...none, ...others, ...more };
}

function sample(atMs: number, own: Partial<CgroupUsage> | undefined): Sample {
  const shown = own === undefined ? undefined : usage(own);
  const container = { name: "c" as ContainerName, status: "running", usage: shown, net: undefined } as const;
  return {
    atMs,
    pods: [{ pod: "web" as PodName, status: "running", usage: shown, net: undefined, containers: [container] }],
  };
}

t.test("a rate is of one processor, between two looks", async (t) => {
  const frame = makeFrame(sample(0, { cpuMicros: 100_000 }), sample(500, { cpuMicros: 1_100_000 }), TIME, MACHINE);
  t.equal(frame.pods[0]?.cpuPercent, 200);
  t.equal(frame.pods[0]?.containers[0]?.cpuPercent, 200);
  t.equal(frame.pods[0]?.cpuSeconds, 1.1);
});

t.test("what is not known is null: the first look, a counter that began anew, a cgroup that is gone", async (t) => {
  const percent = (before: Sample | undefined, now: Sample) =>
    makeFrame(before, now, TIME, MACHINE).pods[0]?.cpuPercent;
  t.equal(percent(undefined, sample(500, { cpuMicros: 5 })), null);
  t.equal(percent(sample(0, { cpuMicros: 10 }), sample(500, { cpuMicros: 5 })), null);
  t.equal(percent(sample(0, { cpuMicros: 10 }), sample(500, undefined)), null);
});

t.test("memory is a share of the limit, or of the machine", async (t) => {
  const percent = (own: Partial<CgroupUsage>) =>
    makeFrame(undefined, sample(0, own), TIME, MACHINE).pods[0]?.memoryPercent;
  t.equal(percent({ memoryBytes: 100, memoryLimitBytes: 200 }), 50);
  t.equal(percent({ memoryBytes: 100 }), 10);
  t.equal(percent({ memoryBytes: 100, memoryLimitBytes: 5000 }), 10);
});
