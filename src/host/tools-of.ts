// Programs that outlived whoever started them, found by what they were told in their environment.

import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { errnoOf } from "../base/errors.ts";
import { readPids, readProcess, signalProcess } from "./processes.ts";

export interface FoundTool {
  readonly pid: number;
  readonly startTime: number;
}

const LOOK_MS = 5;
const KILL_MS = 5000;

/** Living processes with NAME=value in their environment, ourselves aside. */
export function findByEnvironment(name: string, value: string): FoundTool[] {
  const pair = `${name}=${value}`;
  return readPids().flatMap((pid) => {
    if (pid === process.pid || !readEnvironment(pid).includes(pair)) return [];
    const found = readProcess(pid);
    return found === undefined || found.state === "Z" ? [] : [{ pid, startTime: found.startTime }];
  });
}

/** True: they have ended by themselves. */
export async function waitForTools(find: () => readonly FoundTool[], timeoutMs: number): Promise<boolean> {
  const endMs = Date.now() + timeoutMs;
  while (find().length > 0) {
    if (Date.now() >= endMs) return false;
    await sleep(LOOK_MS);
  }
  return true;
}

/** Until none is left, since one may start another meanwhile. */
export async function endTools(find: () => readonly FoundTool[]): Promise<void> {
  const endMs = Date.now() + KILL_MS;
  for (let found = find(); found.length > 0 && Date.now() < endMs; found = find()) {
    for (const { pid, startTime } of found) signalProcess(pid, startTime, "SIGKILL");
    await sleep(LOOK_MS);
  }
}

/** `NAME=value`; nothing of a process that is gone or is not ours to look at. */
export function readEnvironment(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT" || errno === "ESRCH" || errno === "EACCES" || errno === "EPERM") return [];
    throw error;
  }
}
