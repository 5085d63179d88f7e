// Takes away blobs that no unpacked image is made of. Nothing while somebody puts an image together: they may be his.

import { rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { readNames, readOwnJson } from "../../base/files.ts";
import { withClaim } from "./claim.ts";
import { isSomebodyMaking, sweep } from "./side-dirs.ts";
import { blobsDir, claimsDir, type Digest, hexOf, namesDir, tmpDir, unpackedDir } from "./store-paths.ts";
import type { StoredImage } from "./stored-image.ts";

/** Whoever begins to put an image together waits while this is claimed. */
export const GARBAGE = "garbage";

export async function collectGarbage(store: string): Promise<void> {
  await withClaim(store, GARBAGE, {}, async () => {
    sweep(store);
    if (isSomebodyMaking(store)) return;
    const kept = new Set(readImages(store).flatMap(blobsOf).map(hexOf));
    const blobs = join(blobsDir(store), "sha256");
    for (const hex of readNames(blobs)) if (!kept.has(hex)) rmSync(join(blobs, hex), { force: true });
    for (const dir of [blobs, blobsDir(store), join(store, "unpacked"), tmpDir(store), namesDir(store)])
      removeIfEmpty(dir);
  });
  removeIfEmpty(claimsDir(store));
  removeIfEmpty(store);
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
