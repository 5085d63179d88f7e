// What pods use, as the engine tells it: counters and the rates between two looks at them. Shapes and pure arithmetic.

import type { ContainerName, PodName } from "../../base/names.ts";
import type { CgroupUsage, Pressure } from "../../host/cgroups/cgroup-usage.ts";
import type { NetUsage } from "../../host/net-usage.ts";
import type { ContainerStatus, PodStatus } from "../../state/pod-state.ts";

/** One look at the kernel's counters. */
export interface Sample {
  /** Milliseconds of a clock that only goes forward. */
  readonly atMs: number;
  readonly pods: readonly PodSample[];
}

export interface PodSample {
  readonly pod: PodName;
  readonly status: PodStatus;
  readonly usage: CgroupUsage | undefined;
  /** Of the network namespace that its containers share; undefined where they have the host's, or none is alive. */
  readonly net: NetUsage | undefined;
  readonly containers: readonly ContainerSample[];
}

export interface ContainerSample {
  readonly name: ContainerName;
  readonly status: ContainerStatus;
  readonly usage: CgroupUsage | undefined;
  /** Only where it has a network of its own. */
  readonly net: NetUsage | undefined;
}

/** Null is what the kernel does not tell. Counters are since the cgroup was made. */
export interface Usage {
  /** Of one processor over the time since the last look: 200 is two of them. */
  readonly cpuPercent: number | null;
  readonly cpuSeconds: number | null;
  readonly throttledSeconds: number | null;
  readonly memoryBytes: number | null;
  /** The pod's or container's own limit, or that of what is above it; null: the machine's. */
  readonly memoryLimitBytes: number | null;
  /** Of the limit, else of the machine. */
  readonly memoryPercent: number | null;
  readonly blockReadBytes: number | null;
  readonly blockWrittenBytes: number | null;
  readonly netReceivedBytes: number | null;
  readonly netSentBytes: number | null;
  readonly pids: number | null;
  readonly pidsLimit: number | null;
  /** Percent of the last ten seconds in which some process waited; cgroup version 2 only. */
  readonly pressure: Pressure | null;
}

export interface PodStats extends Usage {
  /** RFC 3339. */
  readonly time: string;
  readonly pod: PodName;
  readonly status: PodStatus;
  readonly containers: readonly ContainerStats[];
}

export interface ContainerStats extends Usage {
  readonly name: ContainerName;
  readonly status: ContainerStatus;
}

export interface StatsRequest {
  /** Absent: all pods that there are at each look. */
  readonly pods?: readonly PodName[];
  readonly intervalMs: number;
  /** One look and its rates, then the end. */
  readonly once?: boolean;
  readonly signal?: AbortSignal;
}

/** All pods at one instant. */
export interface StatsFrame {
  readonly time: string;
  readonly machine: { readonly cpus: number; readonly memoryBytes: number };
  readonly pods: readonly PodStats[];
}

export function makeFrame(
  before: Sample | undefined,
  now: Sample,
  time: string,
  machine: StatsFrame["machine"],
): StatsFrame {
  const elapsedMicros = before === undefined ? 0 : (now.atMs - before.atMs) * 1000;
  const usageOf = (one: PodSample | ContainerSample, old: PodSample | ContainerSample | undefined) =>
    makeUsage(one, old, elapsedMicros, machine.memoryBytes);
  const pods = now.pods.map((pod): PodStats => {
    const old = before?.pods.find((one) => one.pod === pod.pod);
    const containers = pod.containers.map((container): ContainerStats => {
      const known = old?.containers.find((one) => one.name === container.name);
      return { name: container.name, status: container.status, ...usageOf(container, known) };
    });
    return { time, pod: pod.pod, status: pod.status, ...usageOf(pod, old), containers };
  });
  return { time, machine, pods };
}

function makeUsage(
  { usage, net }: Pick<PodSample, "usage" | "net">,
  old: Pick<PodSample, "usage"> | undefined,
  elapsedMicros: number,
  machineBytes: number,
): Usage {
  const memory = usage?.memoryBytes;
  const spent = difference(usage?.cpuMicros, old?.usage?.cpuMicros);
  return {
    cpuPercent: spent === undefined || elapsedMicros <= 0 ? null : round((spent / elapsedMicros) * 100),
    cpuSeconds: seconds(usage?.cpuMicros),
    throttledSeconds: seconds(usage?.throttledMicros),
    memoryBytes: memory ?? null,
    memoryLimitBytes: usage?.memoryLimitBytes ?? null,
    memoryPercent:
      memory === undefined
        ? null
        : round((memory / Math.min(usage?.memoryLimitBytes ?? machineBytes, machineBytes)) * 100),
    blockReadBytes: usage?.readBytes ?? null,
    blockWrittenBytes: usage?.writtenBytes ?? null,
    netReceivedBytes: net?.receivedBytes ?? null,
    netSentBytes: net?.sentBytes ?? null,
    pids: usage?.pids ?? null,
    pidsLimit: usage?.pidsLimit ?? null,
    pressure: usage?.pressure ?? null,
  };
}

/** A counter that went back is a new one: the container was made again. */
function difference(now: number | undefined, before: number | undefined): number | undefined {
  return now === undefined || before === undefined || now < before ? undefined : now - before;
}

function seconds(micros: number | undefined): number | null {
  return micros === undefined ? null : round(micros / 1_000_000);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
