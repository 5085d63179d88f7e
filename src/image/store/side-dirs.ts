// Directories in which images are put together before they are renamed to where they are found. Those of who is gone are
// swept away by whoever comes next.

import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { readNames } from "../../base/files.ts";
import { removeIfLeft } from "./claim.ts";
import { inDir } from "./in-dir.ts";
import { isMakerAlive, makeMark } from "./maker.ts";
import { claimsDir, tmpDir } from "./store-paths.ts";

let made = 0;

/** Ours until `run` has ended, however. */
export async function withSideDir<T>(store: string, run: (dir: string) => Promise<T>): Promise<T> {
  sweep(store);
  made += 1;
  const dir = join(tmpDir(store), `${makeMark()}-${made}`);
  inDir(tmpDir(store), () => mkdirSync(dir, { mode: 0o700 }));
  try {
    return await run(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** What those left who are gone. */
export function sweep(store: string): void {
  for (const name of readNames(tmpDir(store)))
    if (!isMakerAlive(name)) rmSync(join(tmpDir(store), name), { recursive: true, force: true });
  for (const name of readNames(claimsDir(store))) {
    const [, side] = /\.(\d+-\d+-\d+)$/.exec(name) ?? [];
    if (side === undefined) removeIfLeft(join(claimsDir(store), name));
    else if (!isMakerAlive(side)) rmSync(join(claimsDir(store), name), { force: true });
  }
}

/** True while somebody puts an image together: what nobody names yet may be his. */
export function isSomebodyMaking(store: string): boolean {
  return readNames(tmpDir(store)).some(isMakerAlive);
}
