// The store of images as doors see it. What does the work is loaded when it is asked for.

import { resolve } from "node:path";
import { PeapodError } from "../../base/errors.ts";
import { faultOfImage, placeImage, splitImage } from "../../base/image-transports.ts";
import { takeOutcome } from "../../base/outcome.ts";
import { imagesDir } from "../../base/paths.ts";
import type { Images } from "../engine.ts";

const load = () => import("./image-store.ts");

export function openImages(root: string): Images {
  return {
    list: async () => takeOutcome(await (await load()).listImages(root)),
    inspect: async (word) => takeOutcome(await (await load()).inspectImage(root, place(word))),
    pull: async ({ image, policy, signal: cancel, tellPull: tell }) => {
      const fault = faultOfImage(image);
      if (fault !== undefined || splitImage(image).transport === "rootfs")
        throw new PeapodError("BAD_USAGE", `image ${image}: ${fault ?? "is a directory, which is not pulled"}`);
      const wish = { image: place(image), policy };
      const stored = takeOutcome(await (await load()).pullImage(wish, { store: imagesDir(root), cancel, tell }));
      return stored.digest;
    },
    remove: async (word) => takeOutcome(await (await load()).removeImage(root, place(word))),
    prune: async ({ all }) => takeOutcome(await (await load()).pruneImages(root, all)),
    measure: async () => takeOutcome(await (await load()).measureImages(root)),
  };
}

/** Of who stands here. */
function place(word: string): string {
  return placeImage(word, resolve("."));
}
