// An image reference → a directory that can lie under an overlay, and what the image says of itself.
// Looks at the directory, never into it.

import { realpathSync, statSync } from "node:fs";
import { isAbsolute } from "node:path";
import { asPeapodError, errnoOf, PeapodError } from "../base/errors.ts";
import type { Image, ImageConfig } from "./image.ts";

const SCHEME = "rootfs:";

/** A bare directory says nothing of itself; the search path is the one that runc and containerd fall back to. */
const BARE_CONFIG: ImageConfig = Object.freeze({
  entrypoint: Object.freeze([]),
  cmd: Object.freeze([]),
  env: Object.freeze(["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]),
  workingDir: "/",
});

/**
 * The image behind `rootfs:/directory`. Its `rootfs` has no symlink left in it, since runc refuses one.
 * @param who the asker, for the error: `container web`
 * @param where the reference's place in the manifest: `pod.yaml:14`
 * @throws NOT_FOUND, NOT_SUPPORTED, BAD_MANIFEST, NOT_PERMITTED
 */
export function readImage(reference: string, who: string, where: string): Image {
  const at = `(${where})`;
  if (!reference.startsWith(SCHEME)) {
    throw new PeapodError("NOT_SUPPORTED", `${who}: image ${reference} is not supported yet ${at}`, {
      hint: "unpack the image into a directory and write rootfs: and that directory",
    });
  }
  const directory = reference.slice(SCHEME.length);
  if (!isAbsolute(directory))
    throw new PeapodError("BAD_MANIFEST", `${who}: rootfs ${directory} is not an absolute path ${at}`);
  try {
    const rootfs = realpathSync(directory);
    if (!statSync(rootfs).isDirectory())
      throw new PeapodError("BAD_MANIFEST", `${who}: rootfs ${directory} is not a directory ${at}`);
    if (rootfs === "/")
      throw new PeapodError("BAD_MANIFEST", `${who}: rootfs ${directory} is the host's own root ${at}`);
    return Object.freeze({ reference, rootfs, config: BARE_CONFIG });
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT" || errno === "ENOTDIR")
      throw new PeapodError("NOT_FOUND", `${who}: rootfs ${directory} does not exist ${at}`);
    if (errno === "ELOOP")
      throw new PeapodError("BAD_MANIFEST", `${who}: rootfs ${directory} is a symbolic link to itself ${at}`);
    throw asPeapodError(error, `${who}: rootfs ${directory} ${at}`);
  }
}
