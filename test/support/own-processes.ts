// The processes of one test's pods, found by what the kernel says of them, so that a test may kill exactly these.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { PodName } from "../../src/base/names.ts";
import { makePodPaths } from "../../src/base/paths.ts";
import { isReaperAlive, readReaperPid } from "../../src/exits/reaper.ts";
import { readCommandLine, readProcess } from "../../src/host/processes.ts";
import { readIoPid } from "../../src/io/io-process.ts";
import type { PeapodHost, PodFile } from "./peapod-host.ts";

const SUPERVISOR_WORDS = ["supervise", "@reaper", "@up", "create"];

export function reaperOf(host: PeapodHost, pod: PodFile): number | undefined {
  const { dir } = makePodPaths(host.root, pod.name as PodName);
  return isReaperAlive(dir) ? readReaperPid(dir) : undefined;
}

/** Undefined while there is none: it sleeps, or is about to be started. */
export function supervisorOf(host: PeapodHost, pod: PodFile): number | undefined {
  const reaper = reaperOf(host, pod);
  return reaper === undefined ? undefined : childrenOf(reaper).find(isSupervisor);
}

/** Below its supervisor, or left by one. */
export function callersOf(host: PeapodHost, pod: PodFile): number[] {
  const reaper = reaperOf(host, pod);
  const below = reaper === undefined ? [] : childrenOf(reaper);
  return [...below, ...below.flatMap(childrenOf)].filter((pid) => readProcess(pid)?.comm === "peapod-caller");
}

export function ioOf(host: PeapodHost, pod: PodFile, container: string): number | undefined {
  return readIoPid(join(makePodPaths(host.root, pod.name as PodName).dir, "io", container, "lock"));
}

/** Its first thread's children, proc_pid_children(5); a reaper has one thread. */
export function childrenOf(parent: number): number[] {
  try {
    return readFileSync(`/proc/${parent}/task/${parent}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function isSupervisor(pid: number): boolean {
  const words = readCommandLine(pid) ?? [];
  return /\/node$/.test(words[0] ?? "") && SUPERVISOR_WORDS.some((word) => words.includes(word));
}

/** The lines of a container's log without what is not the container's own. */
export function readLogTexts(host: PeapodHost, pod: PodFile, container: string): string[] {
  return readFileSync(join(host.root, "logs", pod.name, container, "0.log"), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !/ F:restarted /.test(line))
    .map((line) => line.split(" ").slice(3).join(" "));
}

export function readLogWhole(host: PeapodHost, pod: PodFile, container: string): string {
  return readFileSync(join(host.root, "logs", pod.name, container, "0.log"), "utf8");
}
