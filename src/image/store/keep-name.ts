// Gives an image of the store names: each all of it in one instant, over what the name meant before; and none of them where
// there is no room for all.

import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inDir } from "./in-dir.ts";
import { nameFile, namesDir } from "./store-paths.ts";
import type { StoredName } from "./stored-image.ts";

/** @param side a directory of ours in the store, so that what is written when we are killed is swept away with it */
export function keepNames(store: string, side: string, stored: StoredName, names: readonly string[]): void {
  const own = [...new Set(names)].map((name, index) => {
    const file = join(side, `name-${index}`);
    writeFileSync(file, `${JSON.stringify({ ...stored, name }, null, 2)}\n`, { mode: 0o600 });
    return { name, file };
  });
  for (const { name, file } of own) inDir(namesDir(store), () => renameSync(file, nameFile(store, name)));
}
