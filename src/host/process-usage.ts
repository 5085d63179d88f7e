// What processes use, counted one by one: for containers without a cgroup, which would count for all of them. What only a
// cgroup knows stays undefined. Processor time of children that nobody waited for is missing.

import { readFileSync } from "node:fs";
import { errnoOf } from "../base/errors.ts";
import type { CgroupUsage } from "./cgroups/cgroup-usage.ts";

/** USER_HZ and the size of a page, fixed on all of Linux's common architectures (proc(5)). */
const MICROS_PER_TICK = 10_000;
const PAGE_BYTES = 4096;

export function readProcessUsage(pids: readonly number[]): CgroupUsage | undefined {
  const found = pids.flatMap((pid) => readOne(pid) ?? []);
  if (found.length === 0) return undefined;
  return {
    cpuMicros: found.reduce((sum, { ticks }) => sum + ticks, 0) * MICROS_PER_TICK,
    memoryBytes: found.reduce((sum, { pages }) => sum + pages, 0) * PAGE_BYTES,
    pids: found.reduce((sum, { threads }) => sum + threads, 0),
    ...{ throttledMicros: undefined, memoryLimitBytes: undefined, readBytes: undefined, writtenBytes: undefined },
    ...{ pidsLimit: undefined, pressure: undefined },
  };
}

interface Counters {
  /** Its own, and of its children that it waited for. */
  readonly ticks: number;
  readonly threads: number;
  readonly pages: number;
}

function readOne(pid: number): Counters | undefined {
  try {
    return parseCounters(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT" || errno === "ESRCH") return undefined;
    throw error;
  }
}

/** Fields 14 to 17, 20 and 24 of proc_pid_stat(5); the name before them may hold spaces and brackets. */
export function parseCounters(text: string): Counters {
  const fields = text
    .slice(text.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  const at = (field: number) => fields[field - 3] ?? 0;
  return { ticks: at(14) + at(15) + at(16) + at(17), threads: at(20), pages: at(24) };
}
