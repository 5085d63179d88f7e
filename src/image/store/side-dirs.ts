// Directories in which images are put together before they are renamed to where they are found. Those of who is gone are
// swept away by whoever comes next.

import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { readNames } from "../../base/files.ts";
import { isLeft, removeIfLeft } from "./claim.ts";
import { inDir } from "./in-dir.ts";
import { isMakerAlive, makeMark } from "./maker.ts";
import { claimsDir, tmpDir } from "./store-paths.ts";

let made = 0;

/** Ours until `run` has ended, however. */
export async function withSideDir<T>(store: string, run: (dir: string) => Promise<T>): Promise<T> {
  sweep(store);
  const dir = makeSidePath(store);
  inDir(tmpDir(store), () => mkdirSync(dir, { mode: 0o700 }));
  try {
    return await run(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** A place for what is on its way in or out; not made. */
export function makeSidePath(store: string): string {
  made += 1;
  return join(tmpDir(store), `${makeMark()}-${made}`);
}

/** Takes away what those left who are gone. */
export function sweep(store: string): void {
  const { dirs, claims } = findLeft(store);
  for (const dir of dirs) rmSync(dir, { recursive: true, force: true });
  for (const claim of claims) removeIfLeft(claim);
}

/** What those left who are gone; paths. */
export function findLeft(store: string): { readonly dirs: readonly string[]; readonly claims: readonly string[] } {
  return {
    dirs: readNames(tmpDir(store))
      .filter((name) => !isMakerAlive(name))
      .map((name) => join(tmpDir(store), name)),
    claims: readNames(claimsDir(store))
      .map((name) => join(claimsDir(store), name))
      .filter(isLeft),
  };
}

/** True while somebody puts an image together: what nobody names yet may be his. */
export function isSomebodyMaking(store: string): boolean {
  return readNames(tmpDir(store)).some(isMakerAlive);
}
