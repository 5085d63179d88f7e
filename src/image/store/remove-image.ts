// Takes an image, or one of its names, out of the store. Who uses it is asked twice: once its directory is out of sight no
// pod can begin to, and one that began before has said so.

import { existsSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { makeDir } from "../../base/files.ts";
import { withClaim } from "./claim.ts";
import { collectGarbage } from "./collect-garbage.ts";
import { inDir } from "./in-dir.ts";
import { readStoredNames } from "./list-images.ts";
import { makeSidePath, sweep } from "./side-dirs.ts";
import { type Digest, nameFile, tmpDir, unpackedDir } from "./store-paths.ts";

/** Names of the image stay, unless `reference` is one: then that alone goes. */
export function removeNames(store: string, of: { readonly reference: string } | { readonly digest: Digest }): void {
  for (const stored of readStoredNames(store)) {
    const isMeant = "reference" in of ? stored.reference === of.reference : stored.digest === of.digest;
    if (isMeant) rmSync(nameFile(store, stored.name), { force: true });
  }
}

/**
 * Whoever makes this very image, or gives it a name, has done so before, or begins after. A full disk is no hindrance.
 * @param assertUnused throws where somebody uses it
 */
export async function removeImage(store: string, digest: Digest, assertUnused: () => void): Promise<void> {
  sweep(store);
  await withClaim(store, digest, { evenIfFull: true }, async () => {
    assertUnused();
    const dir = unpackedDir(store, digest);
    const gone = makeSidePath(store);
    if (existsSync(dir)) inDir(tmpDir(store), () => renameSync(dir, gone));
    try {
      assertUnused();
    } catch (error) {
      makeDir(dirname(dir));
      if (!existsSync(dir)) renameSync(gone, dir);
      throw error;
    }
    removeNames(store, { digest });
    rmSync(gone, { recursive: true, force: true });
  });
  await collectGarbage(store);
}
