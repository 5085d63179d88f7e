// Gives an image of the store a name: all of it in one instant, over what the name meant before.

import { writeJsonAtomic } from "../../base/files.ts";
import { inDir } from "./in-dir.ts";
import { nameFile, namesDir } from "./store-paths.ts";
import type { StoredName } from "./stored-image.ts";

export function keepName(store: string, stored: StoredName): StoredName {
  inDir(namesDir(store), () => writeJsonAtomic(nameFile(store, stored.name), stored));
  return stored;
}
