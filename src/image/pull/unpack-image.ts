// An image that was copied → its root file system in the store. Images of one digest are one directory, whoever asks.

import { createHash } from "node:crypto";
import { chmodSync, createReadStream, existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { errnoOf, PeapodError } from "../../base/errors.ts";
import { makeDir, writeJsonAtomic } from "../../base/files.ts";
import { withClaim } from "../store/claim.ts";
import { readImage } from "../store/collect-garbage.ts";
import { hasName } from "../store/list-images.ts";
import { blobFile, type Digest, rootfsOf, unpackedDir } from "../store/store-paths.ts";
import type { StoredImage } from "../store/stored-image.ts";
import { assertLayers } from "./assert-layers.ts";
import type { TellPull } from "./news.ts";
import { fitsPlatform, type Layer, makePlatform, parseConfig, parseManifest } from "./parse-image.ts";
import { notForUs } from "./platform-error.ts";
import { readVolumes } from "./read-volumes.ts";
import type { ToolFailure } from "./run-tool.ts";
import { unpack } from "./umoci.ts";
import { watchUnpack } from "./watch-pull.ts";

export interface UnpackRequest<T = unknown> {
  readonly store: string;
  /** A directory of ours on the same file system. */
  readonly side: string;
  /** With the image under the tag `image`. */
  readonly layout: string;
  readonly digest: Digest;
  /** For who watches. */
  readonly image: string;
  readonly cancel: AbortSignal | undefined;
  readonly tell: TellPull | undefined;
  /** Gives it its names, while nobody else can make or remove it. */
  readonly keep: (stored: StoredImage) => T;
}

/** @throws BAD_MANIFEST for what is no image, NOT_SUPPORTED, OUT_OF_RESOURCES, RUNTIME_FAILED, CANCELED, as clauses */
export async function unpackImage<T>(request: UnpackRequest<T>): Promise<T> {
  const { store, digest, cancel, keep } = request;
  return await withClaim(store, digest, { cancel }, async () => {
    const here = existsSync(rootfsOf(store, digest)) ? readImage(store, digest) : undefined;
    const stored = here ?? (await unpackAnew(request));
    try {
      return keep(stored);
    } catch (error) {
      // Nobody can have found it yet, unless some of its names came there.
      if (here === undefined && !hasName(store, digest))
        rmSync(unpackedDir(store, digest), { recursive: true, force: true });
      throw error;
    }
  });
}

async function unpackAnew(request: UnpackRequest): Promise<StoredImage> {
  const { store, side, digest, image, tell } = request;
  const manifest = parseManifest(readBlob(store, digest));
  if (manifest?.kind !== "manifest")
    throw new PeapodError("BAD_MANIFEST", "cannot be unpacked: its manifest is none of an image");
  const { config, createdAt, platform, volumePaths } = parseConfig(readBlob(store, manifest.config));
  if (!fitsPlatform(platform, makePlatform(process.arch))) throw notForUs([platform]);
  const dir = join(side, "unpacked");
  const rootfs = join(dir, "rootfs");
  makeDir(dir);
  let pid: number | undefined;
  const totalBytes = manifest.layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const endWatch = watchUnpack({ image, totalBytes, tell }, () => pid);
  const onStart = (started: number) => {
    pid = started;
  };
  const failure = await unpackChecked(request, manifest.layers, rootfs, onStart).finally(endWatch);
  if (failure !== undefined) {
    if (failure.code !== "OUT_OF_RESOURCES") await removeDamaged(store, manifest.layers);
    throw new PeapodError(
      failure.code === "NOT_FOUND" ? "RUNTIME_FAILED" : failure.code,
      `cannot be unpacked: ${failure.words}`,
    );
  }
  // An image without layers has no directory of its own, and one of 0700 would shut out who is not root.
  makeDir(rootfs, 0o755);
  chmodSync(rootfs, 0o755);
  const volumes = readVolumes(rootfs, volumePaths);
  const stored: StoredImage = {
    version: 1,
    digest,
    configDigest: manifest.config,
    createdAt,
    platform,
    layers: manifest.layers,
    config: volumes.length === 0 ? config : { ...config, volumes },
  };
  writeJsonAtomic(join(dir, "image.json"), stored);
  putInPlace(dir, unpackedDir(store, digest));
  return stored;
}

/** Unpacks while the layers' names are looked at; what fails first ends the other. */
async function unpackChecked(
  { store, layout, cancel }: UnpackRequest,
  layers: readonly Layer[],
  rootfs: string,
  onStart: (pid: number) => void,
): Promise<ToolFailure | undefined> {
  const stop = new AbortController();
  const giveUp = () => stop.abort();
  cancel?.addEventListener("abort", giveUp);
  if (cancel?.aborted) giveUp();
  const faults: unknown[] = [];
  const note = (error: unknown) => {
    faults.push(error);
    giveUp();
  };
  let failure: ToolFailure | undefined;
  const unpacking = unpack(layout, rootfs, { cancel: stop.signal, onStart }).then((found) => {
    failure = found;
    if (found !== undefined) giveUp();
  });
  await Promise.all([assertLayers(store, layers, stop.signal).catch(note), unpacking.catch(note)]);
  cancel?.removeEventListener("abort", giveUp);
  if (failure === undefined && faults.length > 0) throw faults[0];
  return failure;
}

/** What stands there without being whole was left by somebody's hand. */
function putInPlace(from: string, to: string): void {
  makeDir(dirname(to));
  try {
    renameSync(from, to);
  } catch (error) {
    if (errnoOf(error) !== "ENOTEMPTY" && errnoOf(error) !== "EEXIST") throw error;
    rmSync(to, { recursive: true, force: true });
    renameSync(from, to);
  }
}

/** A disk that lost bits, or somebody's hand: skopeo takes what is there for what it was. The next pull brings it anew. */
async function removeDamaged(store: string, layers: readonly Layer[]): Promise<void> {
  for (const { digest } of layers) {
    const file = blobFile(store, digest);
    if (!existsSync(file)) continue;
    const hash = createHash("sha256");
    for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
    if (`sha256:${hash.digest("hex")}` !== digest) rmSync(file, { force: true });
  }
}

/** @throws RUNTIME_FAILED where it is too large to be what it should be */
function readBlob(store: string, digest: Digest): string {
  const bytes = readFileSync(blobFile(store, digest));
  if (bytes.length > 8 * 1024 * 1024)
    throw new PeapodError("BAD_MANIFEST", "cannot be unpacked: its description is too large");
  return bytes.toString("utf8");
}
