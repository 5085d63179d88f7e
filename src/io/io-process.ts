// Which process carries a container's output now, if any. The lock file names it; the kernel says whether that is true.

import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { readTextIfAny } from "../base/files.ts";

const LOOK_MS = 20;

/** The pid in the lock file, be it alive or not. */
export function readLastIoPid(lockPath: string): number | undefined {
  const pid = Number(readTextIfAny(lockPath)?.trim() || Number.NaN);
  return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
}

/** The pid of the io that holds this lock; undefined where it is dead, so no other process is ever taken for it. */
export function readIoPid(lockPath: string): number | undefined {
  const pid = readLastIoPid(lockPath);
  return pid !== undefined && namesLock(pid, lockPath) ? pid : undefined;
}

/** A zombie has no command line any more. */
function namesLock(pid: number, lockPath: string): boolean {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    return words[words.indexOf("--lock") + 1] === lockPath;
  } catch {
    return false;
  }
}

export function isIoAlive(lockPath: string): boolean {
  return readIoPid(lockPath) !== undefined;
}

/** The process that keeps a terminal or stdin for the next io; once its container is over nobody needs it. */
export function endKeeper({ ioKeeper, ioLock }: { readonly ioKeeper: string; readonly ioLock: string }): void {
  const pid = readLastIoPid(ioKeeper);
  try {
    if (pid !== undefined && namesLock(pid, ioLock)) process.kill(pid, "SIGKILL");
  } catch {
    // Gone this instant.
  }
}

/** Resolves when all that the container wrote is in its log (or its io died); never rejects. */
export async function waitForIoEnd(lockPath: string, signal?: AbortSignal): Promise<void> {
  while (isIoAlive(lockPath)) {
    try {
      await sleep(LOOK_MS, undefined, signal === undefined ? {} : { signal });
    } catch {
      return;
    }
  }
}
