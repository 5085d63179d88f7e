// Gives an image of the store a name: all of it in one instant, over what the name meant before.

import { makeDir, writeJsonAtomic } from "../../base/files.ts";
import { nameFile, namesDir } from "./store-paths.ts";
import type { StoredName } from "./stored-image.ts";

export function keepName(store: string, stored: StoredName): StoredName {
  makeDir(namesDir(store));
  writeJsonAtomic(nameFile(store, stored.name), stored);
  return stored;
}
