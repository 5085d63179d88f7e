// What a cgroup and all below it use now, from the kernel's counters: version 1's files or version 2's. What the kernel
// does not tell is undefined, never 0. Wakes nobody.

import { readControl } from "./cgroup-tree.ts";
import type { CgroupFacts } from "./cgroups.ts";

export interface CgroupUsage {
  /** Processor time since the cgroup was made. */
  readonly cpuMicros: number | undefined;
  /** Time for which it was held back by a quota. */
  readonly throttledMicros: number | undefined;
  /** Without pages of files that could go at once, as the kubelet counts a working set. */
  readonly memoryBytes: number | undefined;
  /** Undefined: none but the machine's. */
  readonly memoryLimitBytes: number | undefined;
  readonly readBytes: number | undefined;
  readonly writtenBytes: number | undefined;
  readonly pids: number | undefined;
  readonly pidsLimit: number | undefined;
  readonly pressure: Pressure | undefined;
}

/** Share of the last ten seconds, in percent, in which some process waited (PSI, Documentation/accounting/psi.rst). */
export interface Pressure {
  readonly cpu: number;
  readonly memory: number;
  readonly io: number;
}

/** More than this is the kernel's way to say none (v1: the largest number of pages). */
const NO_LIMIT = 2 ** 60;

/** Undefined where there is no such cgroup. */
export function readCgroupUsage(path: string, facts: CgroupFacts): CgroupUsage | undefined {
  return facts.cgroupLayout === "v2" ? readV2(path, facts) : readV1(path, facts);
}

function readV2(path: string, { cgroupMounts }: CgroupFacts): CgroupUsage | undefined {
  const dir = `${cgroupMounts.unified}${path}`;
  const read = (name: string) => readControl(`${dir}/${name}`);
  const cpu = read("cpu.stat");
  if (cpu === "") return undefined;
  const io = [...read("io.stat").matchAll(/rbytes=(\d+) wbytes=(\d+)/g)];
  return {
    cpuMicros: field(cpu, "usage_usec"),
    throttledMicros: field(cpu, "throttled_usec"),
    memoryBytes: workingSet(whole(read("memory.current")), field(read("memory.stat"), "inactive_file")),
    memoryLimitBytes: whole(read("memory.max")),
    readBytes: io.reduce((sum, match) => sum + Number(match[1]), 0),
    writtenBytes: io.reduce((sum, match) => sum + Number(match[2]), 0),
    pids: whole(read("pids.current")),
    pidsLimit: whole(read("pids.max")),
    pressure: readPressure(dir),
  };
}

function readV1(path: string, { cgroupMounts }: CgroupFacts): CgroupUsage | undefined {
  const read = (controller: string, name: string) => {
    const mount = cgroupMounts[controller];
    return mount === undefined ? "" : readControl(`${mount}${path}/${name}`);
  };
  const nanos = whole(read("cpuacct", "cpuacct.usage"));
  const memory = read("memory", "memory.usage_in_bytes");
  if (nanos === undefined && memory === "") return undefined;
  const stat = read("memory", "memory.stat");
  const io = read("blkio", "blkio.throttle.io_service_bytes_recursive");
  const throttled = field(read("cpu", "cpu.stat"), "throttled_time");
  return {
    cpuMicros: nanos === undefined ? undefined : Math.floor(nanos / 1000),
    throttledMicros: throttled === undefined ? undefined : Math.floor(throttled / 1000),
    memoryBytes: workingSet(whole(memory), field(stat, "total_inactive_file")),
    memoryLimitBytes: bounded(field(stat, "hierarchical_memory_limit")),
    readBytes: io === "" ? undefined : sumOf(io, "Read"),
    writtenBytes: io === "" ? undefined : sumOf(io, "Write"),
    pids: whole(read("pids", "pids.current")),
    pidsLimit: whole(read("pids", "pids.max")),
    // Version 1 has none; in the hybrid layout the processes are not in version 2's tree.
    pressure: undefined,
  };
}

function readPressure(dir: string): Pressure | undefined {
  const [cpu, memory, io] = ["cpu", "memory", "io"].map((what) => {
    const found = /^some avg10=([\d.]+)/m.exec(readPressureFile(`${dir}/${what}.pressure`))?.[1];
    return found === undefined ? undefined : Number(found);
  });
  return cpu === undefined || memory === undefined || io === undefined ? undefined : { cpu, memory, io };
}

/** A kernel booted with psi=0 has the file and refuses to read it. */
function readPressureFile(file: string): string {
  try {
    return readControl(file);
  } catch {
    return "";
  }
}

function workingSet(used: number | undefined, inactive: number | undefined): number | undefined {
  return used === undefined ? undefined : Math.max(0, used - (inactive ?? 0));
}

/** `max` is no number, and so no limit. */
function whole(text: string): number | undefined {
  return /^\d+$/.test(text.trim()) ? Number(text) : undefined;
}

function bounded(value: number | undefined): number | undefined {
  return value === undefined || value >= NO_LIMIT ? undefined : value;
}

/** `usage_usec 12345` */
function field(text: string, name: string): number | undefined {
  const found = new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** `8:0 Read 4096`, a line a device. */
function sumOf(text: string, word: string): number {
  return [...text.matchAll(new RegExp(`^\\d+:\\d+ ${word} (\\d+)$`, "gm"))].reduce(
    (sum, [, bytes]) => sum + Number(bytes),
    0,
  );
}
