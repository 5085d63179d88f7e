// Takes away what is of no use to anybody: blobs that no unpacked image is made of, and names of images that are not here.
// Nothing while somebody puts an image together: they may be his.

import { existsSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { readNames, readOwnJson } from "../../base/files.ts";
import { withClaim } from "./claim.ts";
import { isSomebodyMaking, sweep } from "./side-dirs.ts";
import { blobsDir, claimsDir, type Digest, hexOf, nameFile, namesDir, tmpDir, unpackedDir } from "./store-paths.ts";
import type { StoredImage, StoredName } from "./stored-image.ts";

/** Whoever begins to put an image together waits while this is claimed. */
export const GARBAGE = "garbage";

/** Also on a full disk, where nobody else can begin. */
export async function collectGarbage(store: string): Promise<void> {
  if (!existsSync(store)) return;
  await withClaim(store, GARBAGE, { evenIfFull: true }, async () => {
    sweep(store);
    const { blobs, names } = findGarbage(store);
    for (const file of [...blobs, ...names]) rmSync(file, { force: true });
    if (isSomebodyMaking(store)) return;
    for (const dir of [join(blobsDir(store), "sha256"), blobsDir(store), join(store, "unpacked"), namesDir(store)])
      removeIfEmpty(dir);
    // They stay with the last image: on a full disk no directory can be made, and it is to be emptied all the same.
    if (isEmptied(store)) removeIfEmpty(tmpDir(store));
  });
  if (!isEmptied(store)) return;
  removeIfEmpty(claimsDir(store));
  removeIfEmpty(store);
}

export interface Garbage {
  readonly blobs: readonly string[];
  readonly names: readonly string[];
}

/** Paths; none where somebody puts an image together, before we look or after. */
export function findGarbage(store: string): Garbage {
  const none = { blobs: [], names: [] };
  if (isSomebodyMaking(store)) return none;
  const kept = new Set(readImages(store).flatMap(blobsOf).map(hexOf));
  const blobs = join(blobsDir(store), "sha256");
  const found = {
    blobs: readNames(blobs)
      .filter((hex) => !kept.has(hex))
      .map((hex) => join(blobs, hex)),
    names: readNames(namesDir(store))
      .map((name) => join(namesDir(store), name))
      .filter((file) => !isNameOfImage(store, file)),
  };
  return isSomebodyMaking(store) ? none : found;
}

function isNameOfImage(store: string, file: string): boolean {
  try {
    const stored = readOwnJson<StoredName>(file);
    return (
      stored !== undefined && nameFile(store, stored.name) === file && existsSync(unpackedDir(store, stored.digest))
    );
  } catch {
    // Half written when the machine went down.
    return false;
  }
}

function isEmptied(store: string): boolean {
  return readNames(store).every(
    (name) => join(store, name) === tmpDir(store) || join(store, name) === claimsDir(store),
  );
}

/** By digest. One whose record is gone or cannot be read is none. */
export function readImages(store: string): StoredImage[] {
  return readNames(join(store, "unpacked"))
    .sort()
    .flatMap((hex) => readImage(store, `sha256:${hex}`) ?? []);
}

export function readImage(store: string, digest: Digest): StoredImage | undefined {
  try {
    return readOwnJson<StoredImage>(join(unpackedDir(store, digest), "image.json"));
  } catch {
    return undefined;
  }
}

function blobsOf({ digest, configDigest, layers }: StoredImage): Digest[] {
  return [digest, configDigest, ...layers.map((layer) => layer.digest)];
}

function removeIfEmpty(dir: string): void {
  try {
    rmdirSync(dir);
  } catch {
    // Somebody has something in it.
  }
}
