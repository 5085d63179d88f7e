// Stops and continues all processes of one cgroup at one instant: v1's freezer (kernel documentation,
// cgroup-v1/freezer-subsystem) and v2's cgroup.freeze. `dir` is the cgroup's directory.

import { existsSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { errnoOf, PeapodError } from "../../base/errors.ts";
import { readControl } from "./cgroup-tree.ts";

/** How the two generations say it. */
interface Freezer {
  readonly file: string;
  readonly on: string;
  readonly off: string;
  isFrozen(dir: string): boolean;
}

const V1: Freezer = {
  file: "freezer.state",
  on: "FROZEN",
  off: "THAWED",
  // FREEZING: some process has not stopped yet. Reading makes the kernel look again.
  isFrozen: (dir) => readControl(`${dir}/freezer.state`).trim() === "FROZEN",
};

const V2: Freezer = {
  file: "cgroup.freeze",
  on: "1",
  off: "0",
  isFrozen: (dir) => /^frozen 1$/m.test(readControl(`${dir}/cgroup.events`)),
};

/** @throws TIMED_OUT with the cgroup thawed again, NOT_FOUND */
export async function freezeCgroup(dir: string, timeoutMs: number): Promise<void> {
  const freezer = freezerOf(dir);
  if (freezer === undefined) throw new PeapodError("NOT_FOUND", `cgroup ${dir}: has no freezer`);
  // A process that forks all the time can escape one try for long: v1 wants the state written again.
  if (await writeUntil(freezer, dir, freezer.on, () => freezer.isFrozen(dir), timeoutMs)) return;
  write(freezer, dir, freezer.off);
  throw new PeapodError("TIMED_OUT", `cgroup ${dir}: did not freeze within ${timeoutMs} ms`);
}

/** What is not frozen, or not there, is thawed already. @throws TIMED_OUT */
export async function thawCgroup(dir: string, timeoutMs: number): Promise<void> {
  const freezer = freezerOf(dir);
  if (freezer === undefined) return;
  if (await writeUntil(freezer, dir, freezer.off, () => !freezer.isFrozen(dir), timeoutMs)) return;
  throw new PeapodError("TIMED_OUT", `cgroup ${dir}: did not thaw within ${timeoutMs} ms`);
}

/** Takes its own reason to stand still away; there may be another above it. */
export function unfreezeCgroup(dir: string): void {
  const freezer = freezerOf(dir);
  if (freezer !== undefined) write(freezer, dir, freezer.off);
}

export function isCgroupFrozen(dir: string): boolean {
  return freezerOf(dir)?.isFrozen(dir) ?? false;
}

function freezerOf(dir: string): Freezer | undefined {
  return [V1, V2].find((freezer) => existsSync(`${dir}/${freezer.file}`));
}

async function writeUntil(freezer: Freezer, dir: string, text: string, isSo: () => boolean, timeoutMs: number) {
  const deadline = Date.now() + timeoutMs;
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, 50)) {
    write(freezer, dir, text);
    if (isSo()) return true;
    if (Date.now() >= deadline) return false;
    await sleep(pauseMs);
  }
}

function write(freezer: Freezer, dir: string, text: string): void {
  try {
    writeFileSync(`${dir}/${freezer.file}`, text);
  } catch (error) {
    // The cgroup went away meanwhile, and its processes before it.
    if (errnoOf(error) !== "ENOENT" && errnoOf(error) !== "ENODEV") throw error;
  }
}
