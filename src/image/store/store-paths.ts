// The store of images on disk: all that is in it, by name. Nothing here does I/O.
//
//   blobs/sha256/HEX       manifests, configurations and layers as they were pulled; several images may share them
//   unpacked/HEX/          one image, by the digest of its manifest: `rootfs`, never written to, and `image.json`
//   names/NAME.json        which image a name means, with all that a plan needs of it: one small read
//   claims/                who is pulling what
//   tmp/PID-START-N/       what somebody is making; of no use once that process is gone

import { join } from "node:path";

/** `sha256:` and 64 digits. */
export type Digest = `sha256:${string}`;

export function hexOf(digest: Digest): string {
  return digest.slice("sha256:".length);
}

export function blobsDir(store: string): string {
  return join(store, "blobs");
}

export function blobFile(store: string, digest: Digest): string {
  return join(store, "blobs", "sha256", hexOf(digest));
}

export function unpackedDir(store: string, digest: Digest): string {
  return join(store, "unpacked", hexOf(digest));
}

export function rootfsOf(store: string, digest: Digest): string {
  return join(unpackedDir(store, digest), "rootfs");
}

export function namesDir(store: string): string {
  return join(store, "names");
}

export function nameFile(store: string, name: string): string {
  return join(namesDir(store), `${asFileName(name)}.json`);
}

export function claimsDir(store: string): string {
  return join(store, "claims");
}

export function tmpDir(store: string): string {
  return join(store, "tmp");
}

/** As many bytes as every file system takes, with room for what we put behind. */
const MAX_FILE_NAME = 200;

/** Readable, without `/`, the same for the same name; two long ones are told apart by a hash, and by what is in the file. */
export function asFileName(name: string): string {
  const plain = encodeURIComponent(name);
  if (plain.length <= MAX_FILE_NAME) return plain;
  return `${plain.slice(0, MAX_FILE_NAME - 20)}~${hash(name, 0x811c9dc5)}${hash(name, 0x01234567)}`;
}

/** FNV-1a: Node's crypto takes 4 ms to load. */
function hash(text: string, seed: number): string {
  let value = seed;
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193);
  return (value >>> 0).toString(16).padStart(8, "0");
}
