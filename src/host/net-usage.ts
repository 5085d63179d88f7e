// Bytes through the interfaces of a network namespace, seen through one of its processes (proc_pid_net(5)).

import { readFileSync } from "node:fs";

export interface NetUsage {
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/** All interfaces but the loopback; undefined where the process has ended. */
export function readNetUsage(pid: number): NetUsage | undefined {
  try {
    return parseNetDev(readFileSync(`/proc/${pid}/net/dev`, "utf8"));
  } catch {
    return undefined;
  }
}

export function parseNetDev(text: string): NetUsage {
  let receivedBytes = 0;
  let sentBytes = 0;
  for (const line of text.split("\n")) {
    const [, name, rest = ""] = /^\s*([^:\s]+):(.*)$/.exec(line) ?? [];
    if (name === undefined || name === "lo") continue;
    const numbers = rest.trim().split(/\s+/).map(Number);
    receivedBytes += numbers[0] ?? 0;
    sentBytes += numbers[8] ?? 0;
  }
  return { receivedBytes, sentBytes };
}
