// All that is done to the store of images but to read a name. Bundled apart: a pod whose images are all here never loads it.
// What goes in and out is data; see base/outcome.ts.

import { call } from "../../base/call.ts";
import { PeapodError } from "../../base/errors.ts";
import { asOutcome, type Outcome } from "../../base/outcome.ts";
import { imagesDir } from "../../base/paths.ts";
import { lookAtImage as look } from "../../image/pull/look-at-image.ts";
import { type PullOptions, type PullWish, pullImage as pull } from "../../image/pull/pull-image.ts";
import { isClaimed } from "../../image/store/claim.ts";
import { collectGarbage, findGarbage } from "../../image/store/collect-garbage.ts";
import {
  findListed,
  hasName,
  type ListedImage,
  listImages as list,
  listUnpacked,
  readStoredNames,
} from "../../image/store/list-images.ts";
import { removeImage as remove, removeNames } from "../../image/store/remove-image.ts";
import { findLeft } from "../../image/store/side-dirs.ts";
import { blobsDir, type Digest, rootfsOf, unpackedDir } from "../../image/store/store-paths.ts";
import type { ImageUse, KeptImage } from "../engine.ts";
import { readImageUsers } from "./image-users.ts";

/** What of the store is of no use to anybody. */
export interface LeftImage {
  readonly path: string;
  readonly detail: string;
}

export const pullImage = (wish: PullWish, options: PullOptions) => asOutcome(() => pull(wish, options));
export const lookAtImage = (wish: PullWish, options: PullOptions) => asOutcome(() => look(wish, options));

export function listImages(root: string): Promise<Outcome<readonly KeptImage[]>> {
  return asOutcome(async () => await withUse(root, list(imagesDir(root))));
}

export function inspectImage(root: string, word: string): Promise<Outcome<KeptImage>> {
  return asOutcome(async () => {
    const [kept] = await withUse(root, [findListed(imagesDir(root), word).image]);
    return kept as KeptImage;
  });
}

/** What was removed: a name, or the image's digest. */
export function removeImage(root: string, word: string): Promise<Outcome<string>> {
  return asOutcome(async () => {
    const store = imagesDir(root);
    const { image, reference } = findListed(store, word);
    if (reference !== undefined && image.names.length > 1) {
      removeNames(store, { reference });
      return reference;
    }
    await remove(store, image.digest, () => assertUnused(root, word, image.rootfs));
    return image.digest;
  });
}

/** Those that no pod uses and that have no name, or `all` of them, and all that is left over in the store; the digests. */
export function pruneImages(root: string, all: boolean): Promise<Outcome<readonly string[]>> {
  return asOutcome(async () => {
    const store = imagesDir(root);
    const removed: string[] = [];
    for (const digest of all ? listUnpacked(store) : listNameless(root)) {
      try {
        await remove(store, digest, () => {
          assertUnused(root, digest, rootfsOf(store, digest));
          if (!all && hasName(store, digest)) throw new PeapodError("WRONG_STATE", `image ${digest}: has got a name`);
        });
        removed.push(digest);
      } catch (error) {
        // A pod uses it, or has taken it meanwhile; or it was only just being pulled.
        if (!(error instanceof PeapodError) || error.code !== "WRONG_STATE") throw error;
      }
    }
    await collectGarbage(store);
    return removed;
  });
}

/** What pruneImages would take away but for images with a name; nothing that a pull which goes on is using. */
export function findLeftImages(root: string): Promise<Outcome<readonly LeftImage[]>> {
  return asOutcome(async () => {
    const store = imagesDir(root);
    const { dirs, claims } = findLeft(store);
    const { blobs, names } = findGarbage(store);
    const tell = (paths: readonly string[], detail: string) => paths.map((path) => ({ path, detail }));
    return [
      ...tell(dirs, "of a pull that was killed"),
      ...tell(claims, "claim of a process that is gone"),
      ...tell(blobs, "blob of no image"),
      ...tell(names, "name of an image that is not here"),
      ...tell(
        listNameless(root).map((digest) => unpackedDir(store, digest)),
        "image without a name, used by no pod",
      ),
    ];
  });
}

/**
 * No pod uses them. One that is being pulled is claimed until it has its name: so claims are looked at first, names then.
 */
function listNameless(root: string): Digest[] {
  const store = imagesDir(root);
  const done = listUnpacked(store).filter((digest) => !isClaimed(store, digest));
  const named = new Set(readStoredNames(store).map(({ digest }) => digest));
  const users = readImageUsers(root);
  return done.filter((digest) => !named.has(digest) && !users.has(rootfsOf(store, digest)));
}

export function measureImages(root: string): Promise<Outcome<readonly ImageUse[]>> {
  return asOutcome(async () => {
    const store = imagesDir(root);
    const images = await withUse(root, list(store));
    const unused = images.filter(({ usedBy }) => usedBy.length === 0);
    const sum = (all: readonly { readonly sizeBytes: number }[]) =>
      all.reduce((total, one) => total + one.sizeBytes, 0);
    const [blobs = 0] = await measure([blobsDir(store)]);
    const kept = new Set(
      images.filter((one) => !unused.includes(one)).flatMap((one) => one.layers.map(({ digest }) => digest)),
    );
    const layers = new Map(images.flatMap((one) => one.layers.map((layer) => [layer.digest, layer] as const)));
    return [
      { kind: "root file systems", count: images.length, sizeBytes: sum(images), reclaimableBytes: sum(unused) },
      {
        kind: "layers as pulled",
        count: layers.size,
        sizeBytes: blobs,
        reclaimableBytes: sum([...layers.values()].filter(({ digest }) => !kept.has(digest))),
      },
    ];
  });
}

function assertUnused(root: string, word: string, rootfs: string): void {
  const usedBy = readImageUsers(root).get(rootfs) ?? [];
  if (usedBy.length === 0) return;
  throw new PeapodError("WRONG_STATE", `image ${word}: is used by ${usedBy.join(", ")}`, {
    detail: { usedBy },
    hint: `delete ${usedBy.length === 1 ? "that pod" : "those pods"} first, or say --force`,
  });
}

async function withUse(root: string, images: readonly ListedImage[]): Promise<KeptImage[]> {
  const users = readImageUsers(root);
  const sizes = await measure(images.map(({ rootfs }) => rootfs));
  return images.map((image, index) => ({
    ...image,
    sizeBytes: sizes[index] ?? 0,
    usedBy: users.get(image.rootfs) ?? [],
  }));
}

/** Bytes on the disk, by du(1): it counts a file of several names once. */
async function measure(dirs: readonly string[]): Promise<number[]> {
  const sizes: number[] = [];
  for (const dir of dirs) {
    const { stdout } = await call({ program: "du", args: ["--summarize", "--block-size=1", "--one-file-system", dir] });
    sizes.push(Number.parseInt(stdout, 10) || 0);
  }
  return sizes;
}
