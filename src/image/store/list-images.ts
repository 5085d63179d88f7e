// What the store holds, for who looks: each image once, with all its names.

import { join } from "node:path";
import { PeapodError } from "../../base/errors.ts";
import { readNames, readOwnJson } from "../../base/files.ts";
import { readImages } from "./collect-garbage.ts";
import { makeImageName } from "./image-name.ts";
import { type Digest, hexOf, namesDir, rootfsOf } from "./store-paths.ts";
import type { StoredImage, StoredName } from "./stored-image.ts";

export interface ListedImage extends StoredImage {
  /** As pulled, without short forms; none where another image has got its name. */
  readonly names: readonly string[];
  /** In registries: `docker.io/library/nginx@sha256:…`. */
  readonly ids: readonly string[];
  /** RFC 3339: when one of its names was pulled last. */
  readonly pulledAt: string | undefined;
  /** Its root file system; never to be written to. */
  readonly rootfs: string;
}

/** The latest first. */
export function listImages(store: string): ListedImage[] {
  const names = readStoredNames(store);
  return readImages(store)
    .map((image): ListedImage => {
      const own = names.filter(({ digest }) => digest === image.digest);
      return {
        ...image,
        names: [...new Set(own.map(({ reference }) => reference))].sort(),
        ids: [...new Set(own.map(({ id }) => id).filter((id) => id.includes("@")))].sort(),
        pulledAt: own
          .map(({ pulledAt }) => pulledAt)
          .sort()
          .at(-1),
        rootfs: rootfsOf(store, image.digest),
      };
    })
    .sort((one, other) => ((one.pulledAt ?? "") < (other.pulledAt ?? "") ? 1 : -1));
}

export function hasName(store: string, digest: Digest): boolean {
  return readStoredNames(store).some((stored) => stored.digest === digest);
}

/** Digests of all that is unpacked, also where its record cannot be read. */
export function listUnpacked(store: string): Digest[] {
  return readNames(join(store, "unpacked")).flatMap((hex) =>
    /^[0-9a-f]{64}$/.test(hex) ? [`sha256:${hex}` as const] : [],
  );
}

/** Also short forms; what cannot be read is none. */
export function readStoredNames(store: string): StoredName[] {
  return readNames(namesDir(store)).flatMap((file) => {
    try {
      return readOwnJson<StoredName>(join(namesDir(store), file)) ?? [];
    } catch {
      return [];
    }
  });
}

export interface NamedImage {
  readonly image: ListedImage;
  /** Undefined where it was named by its digest. */
  readonly reference: string | undefined;
}

/**
 * @param word a name, short or whole; a digest, or the first of its digits
 * @throws NOT_FOUND, BAD_USAGE where digits are those of several
 */
export function findListed(store: string, word: string): NamedImage {
  const images = listImages(store);
  const name = makeImageName(word);
  const stored = readStoredNames(store).find((one) => one.name === name || one.reference === name || one.id === name);
  const image = images.find(({ digest }) => digest === stored?.digest);
  if (stored !== undefined && image !== undefined) return { image, reference: stored.reference };
  const digits = word.replace(/^sha256:/, "");
  const found = /^[0-9a-f]{4,64}$/.test(digits) ? images.filter(({ digest }) => startsWith(digest, digits)) : [];
  if (found.length > 1)
    throw new PeapodError("BAD_USAGE", `image ${word}: ${found.length} images begin so`, { hint: "give more digits" });
  if (found[0] !== undefined) return { image: found[0], reference: undefined };
  throw new PeapodError("NOT_FOUND", `image ${word}: is not here`, { hint: "peapod image list shows what there is" });
}

function startsWith(digest: Digest, digits: string): boolean {
  return hexOf(digest).startsWith(digits);
}
