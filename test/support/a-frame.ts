// Frames of statistics in a few words.

import type { ContainerName, PodName } from "../../src/base/names.ts";
import type { ContainerStats, PodStats, StatsFrame, Usage } from "../../src/engine/engine.ts";

export const FRAME_TIME = "2026-11-22T10:03:00.000Z";
const MIB = 2 ** 20;

export function aUsage(cpuPercent: number | null, mebibytes: number | null, more: Partial<Usage> = {}): Usage {
  const memoryBytes = mebibytes === null ? null : mebibytes * MIB;
  return {
    cpuPercent,
    cpuSeconds: null,
    throttledSeconds: null,
    memoryBytes,
    memoryLimitBytes: null,
    memoryPercent: memoryBytes === null ? null : (memoryBytes / (1024 * MIB)) * 100,
    blockReadBytes: null,
    blockWrittenBytes: null,
    netReceivedBytes: null,
    netSentBytes: null,
    pids: memoryBytes === null ? null : 2,
    pidsLimit: null,
    pressure: null,
    ...more,
  };
}

/** On a machine of two processors and one GiB. `pods`: its containers with processor and memory each. */
export function aFrame(
  pods: Readonly<Record<string, Readonly<Record<string, readonly [number, number]>>>>,
  more: Partial<Usage> = {},
): StatsFrame {
  return {
    time: FRAME_TIME,
    machine: { cpus: 2, memoryBytes: 1024 * MIB },
    pods: Object.entries(pods).map(([pod, words]): PodStats => {
      const containers = Object.entries(words).map(
        ([name, [cpu, memory]]): ContainerStats => ({
          name: name as ContainerName,
          status: "running",
          ...aUsage(cpu, memory, more),
        }),
      );
      const total = (at: 0 | 1) => Object.values(words).reduce((sum, pair) => sum + pair[at], 0);
      const shown = aUsage(total(0), total(1), { netReceivedBytes: 2048, netSentBytes: 100, ...more });
      return { time: FRAME_TIME, pod: pod as PodName, status: "running", ...shown, containers };
    }),
  };
}
