// What may be gone the next instant, as much of /proc and /sys is: nothing then.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** Empty where there is no such file. */
export function readIfAny(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** Empty where there is no such link. */
export function readLinkIfAny(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

/** The paths of what is in a directory. */
export function listIfAny(dir: string, onlyDirectories = false): string[] {
  try {
    const entries = readdirSync(dir, { withFileTypes: true });
    return entries.filter((entry) => !onlyDirectories || entry.isDirectory()).map(({ name }) => join(dir, name));
  } catch {
    return [];
  }
}

export function isBelow(path: string, top: string): boolean {
  return path === top || path.startsWith(`${top}/`);
}

/** SIGKILL. False where it was gone already. */
export function killIfThere(pid: number | undefined): boolean {
  if (pid === undefined || pid <= 1) return false;
  try {
    process.kill(pid, "SIGKILL");
    return true;
  } catch {
    return false;
  }
}
