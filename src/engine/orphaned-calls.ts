// Runtime calls outlive the supervisor that made them. The next one waits for them before it looks at what they did.

import { readdirSync, readFileSync } from "node:fs";
import { readProcess } from "../host/processes.ts";
import type { PodContext } from "./context.ts";

/** Past this a call that does not end is left alone; the runtime's own deadline is shorter. */
const ORPHAN_MS = 65_000;

/** Resolves when no runtime call on this pod, made by a supervisor before us, runs any more. */
export async function waitForOrphanedCalls(pod: PodContext): Promise<void> {
  const calls = readOrphanedCalls(pod.plan.runtime.path, pod.plan.paths.runtimeRoot);
  await Promise.all(calls.map((pid) => pod.inbox.waitForEnd(pid, ORPHAN_MS)));
}

/** Siblings of ours, adopted by the reaper, that run the runtime on this pod's runtime root. */
function readOrphanedCalls(runtimePath: string, runtimeRoot: string): number[] {
  const reaper = process.ppid;
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      if (readProcess(pid)?.ppid !== reaper) return false;
      const words = readCommandLine(pid);
      // runc's container inits are called `runc init`; they carry no root on their command line.
      return words[0] === runtimePath && words.includes(runtimeRoot);
    });
}

function readCommandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return [];
  }
}
