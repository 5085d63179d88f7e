// Takes an image, or one of its names, out of the store. Who uses it is asked twice: once its directory is out of sight no
// pod can begin to, and one that began before has said so.

import { existsSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { makeDir } from "../../base/files.ts";
import { collectGarbage } from "./collect-garbage.ts";
import { readStoredNames } from "./list-images.ts";
import { withSideDir } from "./side-dirs.ts";
import { type Digest, nameFile, unpackedDir } from "./store-paths.ts";

/** Names of the image stay, unless `reference` is one: then that alone goes. */
export function removeNames(store: string, of: { readonly reference: string } | { readonly digest: Digest }): void {
  for (const stored of readStoredNames(store)) {
    const isMeant = "reference" in of ? stored.reference === of.reference : stored.digest === of.digest;
    if (isMeant) rmSync(nameFile(store, stored.name), { force: true });
  }
}

/** @param assertUnused throws where somebody uses it */
export async function removeImage(store: string, digest: Digest, assertUnused: () => void): Promise<void> {
  assertUnused();
  const dir = unpackedDir(store, digest);
  await withSideDir(store, async (side) => {
    const gone = join(side, "removing");
    if (existsSync(dir)) renameSync(dir, gone);
    try {
      assertUnused();
    } catch (error) {
      makeDir(dirname(dir));
      if (!existsSync(dir)) renameSync(gone, dir);
      throw error;
    }
    removeNames(store, { digest });
  });
  await collectGarbage(store);
}
