// All that is done to the store of images but to read a name. Bundled apart: a pod whose images are all here never loads it.
// What goes in and out is data; see base/outcome.ts.

import { call } from "../../base/call.ts";
import { PeapodError } from "../../base/errors.ts";
import { asOutcome, type Outcome } from "../../base/outcome.ts";
import { imagesDir } from "../../base/paths.ts";
import { lookAtImage as look } from "../../image/pull/look-at-image.ts";
import { type PullOptions, type PullWish, pullImage as pull } from "../../image/pull/pull-image.ts";
import { collectGarbage } from "../../image/store/collect-garbage.ts";
import { findListed, type ListedImage, listImages as list } from "../../image/store/list-images.ts";
import { removeImage as remove, removeNames } from "../../image/store/remove-image.ts";
import { blobsDir } from "../../image/store/store-paths.ts";
import type { ImageUse, KeptImage } from "../engine.ts";
import { readImageUsers } from "./image-users.ts";

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
    await remove(store, image.digest, () => assertUnused(root, word, image));
    return image.digest;
  });
}

/** Those that no pod uses and that have no name, or `all` of them; the digests. */
export function pruneImages(root: string, all: boolean): Promise<Outcome<readonly string[]>> {
  return asOutcome(async () => {
    const store = imagesDir(root);
    const removed: string[] = [];
    for (const image of list(store)) {
      const isUsed = (readImageUsers(root).get(image.rootfs) ?? []).length > 0;
      if (isUsed || (!all && image.names.length > 0)) continue;
      try {
        await remove(store, image.digest, () => assertUnused(root, image.digest, image));
        removed.push(image.digest);
      } catch (error) {
        // A pod has taken it meanwhile.
        if (!(error instanceof PeapodError) || error.code !== "WRONG_STATE") throw error;
      }
    }
    await collectGarbage(store);
    return removed;
  });
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

function assertUnused(root: string, word: string, { rootfs }: ListedImage): void {
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
