// doctor's part for images: what killed pulls left in the store, and what nobody names. Named images are kept, used or not.

import { asPeapodError } from "../../base/errors.ts";
import { readNames } from "../../base/files.ts";
import { takeOutcome } from "../../base/outcome.ts";
import { imagesDir } from "../../base/paths.ts";
import type { DoctorObject } from "../engine.ts";

/** Those that are left over; of the others the images' own verbs tell. */
export async function readLeftImages(root: string): Promise<DoctorObject[]> {
  // Where there never was an image, nothing need be loaded to see it.
  if (readNames(imagesDir(root)).length === 0) return [];
  const { findLeftImages } = await import("../images/image-store.ts");
  return takeOutcome(await findLeftImages(root)).map(({ path, detail }) => ({
    ...{ kind: "image", name: path, owner: undefined },
    ...{ detail, orphan: true },
  }));
}

/** As `image prune` does; a sentence where that fails. */
export async function clearImages(root: string): Promise<readonly string[]> {
  try {
    const { pruneImages } = await import("../images/image-store.ts");
    takeOutcome(await pruneImages(root, false));
    return [];
  } catch (error) {
    return [asPeapodError(error, "images").message];
  }
}
