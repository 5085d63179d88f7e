// A few pages of disk that every pod keeps for its end: on a full disk neither the wish to delete it nor the exits of its
// containers could be written down, and it could not go.

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Enough for the exits and the last events of a hundred containers. */
const RESERVE_BYTES = 48 * 1024;

/** @throws the system's error where the disk is too full for a pod */
export function makeReserve(podDir: string): void {
  writeFileSync(reserveFile(podDir), Buffer.alloc(RESERVE_BYTES, "."), { mode: 0o600 });
}

/** Gives the pages back; the reaper, which tries again and again, then writes what it could not. */
export function releaseReserve(podDir: string): void {
  rmSync(reserveFile(podDir), { force: true });
}

function reserveFile(podDir: string): string {
  return join(podDir, "reserve");
}
