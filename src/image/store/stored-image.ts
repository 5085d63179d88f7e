// What the store knows of an image, as its files have it.

import type { ImageConfig } from "../image.ts";
import type { Digest } from "./store-paths.ts";

/** names/NAME.json */
export interface StoredName {
  readonly version: 1;
  /** As it is asked for: `nginx:1.27`. Two names may be too long for a file's: then this tells. */
  readonly name: string;
  /** As it was pulled: `docker.io/library/nginx:1.27`. */
  readonly reference: string;
  /** What was there when it was pulled: a digest, or what a file looked like. */
  readonly origin: string;
  /** `docker.io/library/nginx@sha256:…`; of images from elsewhere the digest alone. */
  readonly id: string;
  readonly digest: Digest;
  /** RFC 3339 */
  readonly pulledAt: string;
  readonly config: ImageConfig;
}

/** unpacked/HEX/image.json */
export interface StoredImage {
  readonly version: 1;
  readonly digest: Digest;
  readonly configDigest: Digest;
  /** RFC 3339; undefined where the image does not tell. */
  readonly createdAt: string | undefined;
  readonly platform: string;
  readonly layers: readonly { readonly digest: Digest; readonly sizeBytes: number }[];
  readonly config: ImageConfig;
}
