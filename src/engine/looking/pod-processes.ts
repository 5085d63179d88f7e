// Processes of a pod as the kernel has them: what is in its containers, whatever namespaces they share.

import { readFileSync, statSync } from "node:fs";
import type { PodName } from "../../base/names.ts";
import { listContainerPids } from "../../host/cgroups/population.ts";
import { readProcess } from "../../host/processes.ts";
import { readHostFacts } from "../../host/read-facts.ts";
import type { PodProcess } from "../engine.ts";
import { readPlan } from "./reader.ts";

/** USER_HZ, fixed at 100 on all of Linux's common architectures (proc(5)). */
const TICKS_PER_SECOND = 100;

export function readPodProcesses(root: string, pod: PodName): readonly PodProcess[] {
  const plan = readPlan(root, pod);
  const facts = readHostFacts();
  const bootMs = readBootTimeMs();
  return plan.containers.flatMap((container) => {
    const pids = listContainerPids(container, facts);
    return [...pids]
      .sort((a, b) => a - b)
      .flatMap((pid): PodProcess[] => {
        // It may end while we look: then it is not there.
        const found = readProcess(pid);
        const command = readCommand(pid);
        if (found === undefined || command === undefined) return [];
        return [
          {
            container: container.name,
            pid,
            parentPid: found.ppid,
            uid: command.uid,
            memoryBytes: command.memoryBytes,
            startedAt: new Date(bootMs + (found.startTime * 1000) / TICKS_PER_SECOND).toISOString(),
            command: command.text === "" ? `[${found.comm}]` : command.text,
          },
        ];
      });
  });
}

function readCommand(pid: number): { text: string; uid: number; memoryBytes: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    const resident = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return { text, uid: statSync(`/proc/${pid}`).uid, memoryBytes: Number(resident ?? 0) * 1024 };
  } catch {
    return undefined;
  }
}

function readBootTimeMs(): number {
  const seconds = /^btime (\d+)$/m.exec(readFileSync("/proc/stat", "utf8"))?.[1];
  return Number(seconds ?? 0) * 1000;
}
