// Files that say what of the machine is whose pod's: who makes the file has the thing, so that no daemon need hand it out.
// One is left over when its pod's plan does not name it and whoever made it is gone.

import { mkdirSync, renameSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { errnoOf } from "../base/errors.ts";
import { readTextIfAny } from "../base/files.ts";
import { makeUuid } from "../base/unique.ts";
import { readProcess } from "./processes.ts";

export interface Claim {
  /** The pod's directory; made after the claim. */
  readonly pod: string;
  readonly pid: number;
  readonly startTime: number;
}

export function makeClaim(podDir: string): Claim {
  return { pod: podDir, pid: process.pid, startTime: readProcess(process.pid)?.startTime ?? 0 };
}

/** False: somebody has it. The last pod may take the directory along in between. */
export function markTaken(file: string, claim: Claim): boolean {
  for (let attempt = 1; ; attempt += 1) {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    try {
      writeFileSync(file, `${JSON.stringify(claim)}\n`, { flag: "wx", mode: 0o600 });
      return true;
    } catch (error) {
      if (errnoOf(error) === "EEXIST") return false;
      if (errnoOf(error) !== "ENOENT" || attempt === 100) throw error;
    }
  }
}

/**
 * One whose pod is gone without having given it back, as after a SIGKILL at the wrong instant. Renamed first, so that of
 * two who find it one alone removes it.
 */
export function removeIfLeft(file: string): boolean {
  if (!isLeft(readTextIfAny(file), file)) return false;
  const side = `${file}.${makeUuid()}`;
  try {
    renameSync(file, side);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw error;
  }
  if (isLeft(readTextIfAny(side), file)) {
    rmSync(side, { force: true });
    return true;
  }
  renameSync(side, file);
  return false;
}

/** Whose it is; undefined where that cannot be read. */
export function readClaim(file: string): Claim | undefined {
  return parseClaim(readTextIfAny(file));
}

/** What is given back already is no error. */
export function giveBack(file: string): void {
  rmSync(file, { force: true });
  const dir = dirname(file);
  for (const empty of [dir, dirname(dir)]) {
    try {
      rmdirSync(empty);
    } catch (error) {
      if (!["ENOTEMPTY", "EEXIST", "ENOENT", "EBUSY"].includes(errnoOf(error) ?? "")) throw error;
    }
  }
}

export function isLeft(text: string | undefined, file: string): boolean {
  const claim = parseClaim(text);
  // Being written, or cut off by a full disk: that pod never began.
  if (claim === undefined) return false;
  if (readTextIfAny(join(claim.pod, "plan.json"))?.includes(JSON.stringify(file))) return false;
  return readProcess(claim.pid)?.startTime !== claim.startTime;
}

function parseClaim(text: string | undefined): Claim | undefined {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as Claim);
  } catch {
    return undefined;
  }
}
