// One at a time for each thing that is made in the store: who comes second waits, and finds it made. A claim is a file that
// names its holder, whole from its first instant; that of a holder who is gone is taken over.

import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { errnoOf, PeapodError } from "../../base/errors.ts";
import { inDir } from "./in-dir.ts";
import { isMakerAlive, makeMark } from "./maker.ts";
import { asFileName, claimsDir } from "./store-paths.ts";

const LOOK_EVERY_MS = 40;

let sides = 0;

export interface ClaimOptions {
  readonly cancel?: AbortSignal | undefined;
  /** Called once, where somebody else has it. */
  readonly onWait?: () => void;
}

/** @throws CANCELED while it waits */
export async function withClaim<T>(
  store: string,
  thing: string,
  { cancel, onWait }: ClaimOptions,
  run: () => Promise<T>,
): Promise<T> {
  const file = join(claimsDir(store), asFileName(thing));
  for (let waited = false; !inDir(claimsDir(store), () => take(file)); waited = true) {
    if (cancel?.aborted) throw new PeapodError("CANCELED", "image: was interrupted");
    if (!waited) onWait?.();
    await sleep(LOOK_EVERY_MS);
  }
  try {
    return await run();
  } finally {
    rmSync(file, { force: true });
  }
}

export function isClaimed(store: string, thing: string): boolean {
  const holder = readHolder(join(claimsDir(store), asFileName(thing)));
  return holder !== undefined && isMakerAlive(holder);
}

function take(file: string): boolean {
  const side = `${file}.${makeSideName()}`;
  writeFileSync(side, makeMark(), { flag: "wx", mode: 0o600 });
  try {
    linkSync(side, file);
    return true;
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
    removeIfLeft(file);
    return false;
  } finally {
    rmSync(side, { force: true });
  }
}

/** Renamed first, so that of two who find it one alone removes it; what was taken anew in between goes back. */
export function removeIfLeft(file: string): void {
  const holder = readHolder(file);
  if (holder === undefined || isMakerAlive(holder)) return;
  const side = `${file}.${makeSideName()}`;
  try {
    renameSync(file, side);
    if (isMakerAlive(readHolder(side) ?? "")) linkSync(side, file);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT" && errnoOf(error) !== "EEXIST") throw error;
  }
  rmSync(side, { force: true });
}

function readHolder(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

function makeSideName(): string {
  sides += 1;
  return `${makeMark()}-${sides}`;
}
