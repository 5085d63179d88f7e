// One at a time for each thing that is made in the store: who comes second waits, and finds it made. A claim is a symbolic
// link whose target is its holder: whole from its first instant, and without a block of the disk, which may be full. That of
// a holder who is gone is taken over.

import { linkSync, readlinkSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { errnoOf, isFull, PeapodError } from "../../base/errors.ts";
import { inDir } from "./in-dir.ts";
import { isMakerAlive, makeMark } from "./maker.ts";
import { asFileName, claimsDir } from "./store-paths.ts";

const LOOK_EVERY_MS = 40;

let sides = 0;

export interface ClaimOptions {
  readonly cancel?: AbortSignal | undefined;
  /** Called once, where somebody else has it. */
  readonly onWait?: () => void;
  /** Goes on without a claim where there is no room for one: for who makes room. Nobody can begin to pull there either. */
  readonly evenIfFull?: boolean;
}

/** @throws CANCELED while it waits */
export async function withClaim<T>(
  store: string,
  thing: string,
  { cancel, onWait, evenIfFull = false }: ClaimOptions,
  run: () => Promise<T>,
): Promise<T> {
  const file = join(claimsDir(store), asFileName(thing));
  let taken = takeIn(store, file);
  for (let waited = false; taken === "held"; waited = true) {
    if (cancel?.aborted) throw new PeapodError("CANCELED", "image: was interrupted");
    if (!waited) onWait?.();
    await sleep(LOOK_EVERY_MS);
    taken = takeIn(store, file);
  }
  if (taken !== "ours" && !evenIfFull) throw taken.noRoom;
  try {
    return await run();
  } finally {
    if (taken === "ours") rmSync(file, { force: true });
  }
}

export function isClaimed(store: string, thing: string): boolean {
  const holder = readHolder(join(claimsDir(store), asFileName(thing)));
  return holder !== undefined && isMakerAlive(holder);
}

function takeIn(store: string, file: string): "ours" | "held" | { readonly noRoom: unknown } {
  try {
    return inDir(claimsDir(store), () => take(file)) ? "ours" : "held";
  } catch (error) {
    if (isFull(error)) return { noRoom: error };
    throw error;
  }
}

function take(file: string): boolean {
  try {
    symlinkSync(makeMark(), file);
    return true;
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
    removeIfLeft(file);
    return false;
  }
}

/** Renamed first, so that of two who find it one alone removes it; what was taken anew in between goes back. */
export function removeIfLeft(file: string): void {
  if (!isLeft(file)) return;
  const { claim } = splitSide(file);
  const side = `${claim}@${makeSideName()}`;
  try {
    renameSync(file, side);
    if (isMakerAlive(readHolder(side) ?? "")) linkSync(side, claim);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT" && errnoOf(error) !== "EEXIST") throw error;
  }
  rmSync(side, { force: true });
}

/** Of one that is on its way out: whether its remover has gone. */
export function isLeft(file: string): boolean {
  const holder = splitSide(file).remover ?? readHolder(file);
  return holder !== undefined && !isMakerAlive(holder);
}

function splitSide(file: string): { readonly claim: string; readonly remover?: string | undefined } {
  const [, claim, remover] = /^(.*)@(\d+-\d+-\d+)$/.exec(file) ?? [];
  return claim === undefined ? { claim: file } : { claim, remover };
}

/** What is no claim names nobody. */
function readHolder(file: string): string | undefined {
  try {
    return readlinkSync(file);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    if (errnoOf(error) === "EINVAL") return "";
    throw error;
  }
}

/** Behind an `@`, which no claim has in its name: asFileName writes another. */
function makeSideName(): string {
  sides += 1;
  return `${makeMark()}-${sides}`;
}
