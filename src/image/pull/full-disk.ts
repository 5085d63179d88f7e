// A disk that is full, told in one sentence, whoever met it: skopeo, umoci, or we ourselves.

import { asPeapodError, PeapodError } from "../../base/errors.ts";

const FULL = /\b(?:no space left on device|(disk quota exceeded))\b/i;

/** As a clause about the image; undefined for other failures, and where it is another disk than the store's. */
export function asFull(store: string, error: unknown): PeapodError | undefined {
  const { code, message } = asPeapodError(error, "cannot be pulled");
  const [found, quota] = FULL.exec(message) ?? [];
  if (code !== "OUT_OF_RESOURCES" || found === undefined) return undefined;
  // Node names no file where a write fails.
  if (/(?:^|[\s'"])\/\w/.test(message) && !message.includes(`${store}/`)) return undefined;
  const what = message.startsWith("cannot be unpacked") ? "unpacked" : "pulled";
  const lack = quota === undefined ? "there is no space left" : "the disk quota is used up";
  return new PeapodError(code, `cannot be ${what}: ${lack} in ${store}`, {
    cause: error,
    hint: "peapod image prune --all removes the images that no pod uses; df and df -i tell what is free",
  });
}
