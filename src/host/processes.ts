// Processes as the kernel tells of them. A pid alone names nobody for long; with its start time it does for ever.
// No signal leaves here for a process that was not verified right before it.

import { readdirSync, readFileSync } from "node:fs";
import { errnoOf } from "../base/errors.ts";
import { readTextIfAny } from "../base/files.ts";

export interface ProcessInfo {
  readonly pid: number;
  readonly ppid: number;
  readonly comm: string;
  /** One letter: R, S, D, Z, T … */
  readonly state: string;
  /** Clock ticks after boot. */
  readonly startTime: number;
}

/** proc_pid_stat(5); undefined where there is no such process. */
export function readProcess(pid: number): ProcessInfo | undefined {
  try {
    return parseStat(pid, readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT" || errno === "ESRCH") return undefined;
    throw error;
  }
}

/** The name stands in brackets and may hold brackets and spaces itself: the last one counts. */
export function parseStat(pid: number, text: string): ProcessInfo {
  const open = text.indexOf("(");
  const close = text.lastIndexOf(")");
  const fields = text.slice(close + 2).split(" ");
  return {
    pid,
    comm: text.slice(open + 1, close),
    state: fields[0] ?? "?",
    ppid: Number(fields[1]),
    startTime: Number(fields[19]),
  };
}

/** False too for a zombie: it has ended, only nobody has asked how. */
export function isSameProcess(pid: number, startTime: number): boolean {
  const found = readProcess(pid);
  return found !== undefined && found.startTime === startTime && found.state !== "Z";
}

/** Program and arguments; empty for a zombie or a kernel thread, undefined where there is no such process. */
export function readCommandLine(pid: number): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/cmdline`, "utf8");
    return text === "" ? [] : text.replace(/\0$/, "").split("\0");
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT" || errno === "ESRCH") return undefined;
    throw error;
  }
}

/** Signals the process only if it is still the one that is meant. False where it is not. */
export function signalProcess(pid: number, startTime: number, signal: NodeJS.Signals): boolean {
  // 0 and negative numbers address whole groups (kill(2)), 1 is the machine's own first process: never ours.
  if (!Number.isSafeInteger(pid) || pid <= 1 || !isSameProcess(pid, startTime)) return false;
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if (errnoOf(error) === "ESRCH") return false;
    throw error;
  }
}

/** Where a process is in each hierarchy, see proc_pid_cgroup(5): `3:cpuset:/here`, or `0::/here` in version 2. */
export function readCgroupLines(pid: number | "self"): readonly { controllers: string; path: string }[] | undefined {
  return readTextIfAny(`/proc/${pid}/cgroup`)
    ?.split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [, controllers = "", ...path] = line.split(":");
      return { controllers, path: path.join(":") };
    });
}

/** All processes that we can see. */
export function readPids(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}
