// An image into the store: looked at where it is, copied by skopeo, unpacked by umoci, and named. Each becomes visible at
// once and whole, by a rename; whatever ends us before leaves what the next pull sweeps away. Who wants what another is
// pulling waits for him.

import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { asPeapodError, PeapodError } from "../../base/errors.ts";
import { makeDir, readTextIfAny } from "../../base/files.ts";
import { isFileTransport, splitImage } from "../../base/image-transports.ts";
import { isClaimed, withClaim } from "../store/claim.ts";
import { collectGarbage, GARBAGE, readImage } from "../store/collect-garbage.ts";
import { readStoredName } from "../store/find-stored.ts";
import { isShortName, makeImageName, makePolicy, type PullPolicy, repositoryOf } from "../store/image-name.ts";
import { keepNames } from "../store/keep-name.ts";
import { findInIndex, readLocalOrigin } from "../store/local-origin.ts";
import { withSideDir } from "../store/side-dirs.ts";
import { blobFile, blobsDir, type Digest } from "../store/store-paths.ts";
import type { StoredImage, StoredName } from "../store/stored-image.ts";
import { asFull } from "./full-disk.ts";
import type { TellPull } from "./news.ts";
import {
  fitsPlatform,
  hasZstdLayers,
  isDigest,
  type Layer,
  makePlatform,
  parseConfig,
  parseManifest,
} from "./parse-image.ts";
import { notForUs } from "./platform-error.ts";
import { readShortNames } from "./read-short-names.ts";
import { resolveShortName } from "./short-names.ts";
import {
  copyImage,
  readRawConfig,
  readRawManifest,
  readStallMs,
  recompressImage,
  type Skopeo,
  SkopeoError,
} from "./skopeo.ts";
import { unpackImage } from "./unpack-image.ts";
import { watchCopy } from "./watch-pull.ts";

export interface PullWish {
  /** The manifest's words, with absolute paths. */
  readonly image: string;
  readonly policy?: PullPolicy | undefined;
}

export interface PullOptions {
  readonly store: string;
  readonly cancel?: AbortSignal | undefined;
  readonly tell?: TellPull | undefined;
}

/**
 * The image, which is in the store then. Errors speak of the image alone.
 * @throws NOT_FOUND, NOT_PERMITTED, NOT_SUPPORTED for another platform, BAD_MANIFEST, RUNTIME_FAILED, TIMED_OUT, CANCELED,
 *   HOST_LACKS, OUT_OF_RESOURCES; nothing of it is left then
 */
export async function pullImage({ image, policy: written }: PullWish, options: PullOptions): Promise<StoredName> {
  const name = makeImageName(image);
  const policy = makePolicy(image, written);
  try {
    const candidates = isShortName(name) ? resolveShortName(name, readShortNames()) : [name];
    const known = policy === "Always" ? [] : candidates.flatMap((one) => readStoredName(options.store, one) ?? []);
    if (known[0] !== undefined) return await keepAlso(options.store, known[0], name);
    if (policy === "Never")
      throw new PeapodError("NOT_FOUND", "is not here, and imagePullPolicy Never forbids to pull it");
    const { stored, isNew } = await pullFirst(candidates, name, policy, options);
    // Layers that were compressed anew, and what a pull beside this one that failed had to leave.
    if (isNew) await collectGarbage(options.store).catch(() => undefined);
    return { ...stored, name };
  } catch (error) {
    const { code, message, hint } = asFull(options.store, error) ?? asPeapodError(error, "cannot be pulled");
    // What a failed pull brought is of no use to anybody.
    await collectGarbage(options.store).catch(() => undefined);
    if (code === "CANCELED" || code === "HOST_LACKS") throw error;
    throw new PeapodError(code, `image ${name} ${message}`, { cause: error, ...(hint === undefined ? {} : { hint }) });
  }
}

/** The first that there is; of several failures the first that is more than an absence. */
async function pullFirst(
  candidates: readonly string[],
  name: string,
  policy: PullPolicy,
  options: PullOptions,
): Promise<Pulled> {
  const failures: PeapodError[] = [];
  for (const reference of candidates) {
    try {
      return await pullOne(reference, name, policy, options);
    } catch (error) {
      const failure = asPeapodError(error, "cannot be pulled");
      if (!(error instanceof SkopeoError)) throw failure;
      failures.push(failure);
    }
  }
  const [worst] = [...failures.filter(({ code }) => code !== "NOT_FOUND"), ...failures];
  throw new PeapodError(
    worst?.code ?? "NOT_FOUND",
    `cannot be pulled: ${failures.map(({ message }) => message).join("; ")}`,
    worst?.hint === undefined ? {} : { hint: worst.hint },
  );
}

/** A name more, where it has not got it: a short form. */
async function keepAlso(store: string, stored: StoredName, name: string): Promise<StoredName> {
  if (readStoredName(store, name)?.digest !== stored.digest)
    await withSideDir(store, async (side) => keepNames(store, side, stored, [name]));
  return { ...stored, name };
}

async function pullOne(reference: string, name: string, policy: PullPolicy, options: PullOptions): Promise<Pulled> {
  const { store, cancel, tell } = options;
  const news = { image: reference, doneBytes: 0, totalBytes: 0 } as const;
  let waitedFrom: string | undefined;
  const onWait = () => {
    waitedFrom = new Date().toISOString();
    tell?.({ ...news, doing: "waiting" });
  };
  return await withClaim(store, reference, { cancel, onWait }, async () => {
    const here = readStoredName(store, reference);
    // Whoever had it before us has just looked; or has pulled what is to be pulled once.
    if (here !== undefined && (policy !== "Always" || (waitedFrom !== undefined && here.pulledAt >= waitedFrom)))
      return { stored: await keepAlso(store, here, name), isNew: false };
    return await withSideDir(store, async (side) => {
      // Whoever collects begins nothing while we are here.
      while (isClaimed(store, GARBAGE)) await sleep(20);
      return await pullInto(side, [reference, name], here, options);
    });
  }).then(
    (pulled) => {
      tell?.({ ...news, doing: "done" });
      return pulled;
    },
    (error) => {
      tell?.({ ...news, doing: "failed" });
      throw error;
    },
  );
}

/** @param names the first is what is pulled */
async function pullInto(
  side: string,
  names: readonly [reference: string, ...more: string[]],
  here: StoredName | undefined,
  { store, cancel, tell }: PullOptions,
): Promise<Pulled> {
  const [reference] = names;
  const skopeo: Skopeo = { tmpDir: side, cancel, stallMs: readStallMs() };
  const look = await lookAt(skopeo, reference);
  // Nothing has changed there.
  if (here !== undefined && look.origin !== undefined && here.origin === look.origin) {
    const again = { ...here, pulledAt: new Date().toISOString() };
    const isKept = await withClaim(store, here.digest, { cancel }, async () => {
      // Somebody may have removed it meanwhile; and one without its record is none.
      if (readImage(store, here.digest) === undefined) return false;
      keepNames(store, side, again, names);
      return true;
    });
    if (isKept) return { stored: again, isNew: false };
  }
  const layout = join(side, "layout");
  mkdirSync(layout, { mode: 0o700 });
  makeDir(join(blobsDir(store), "sha256"));
  // All images share their blobs, and each pull has an index of its own.
  symlinkSync(blobsDir(store), join(layout, "blobs"));
  await copy(skopeo, look, layout, { image: reference, store, tell });
  const readable = await makeReadable(skopeo, store, layout);
  const { digest } = readable;
  const keep = ({ config }: StoredImage) => {
    const stored: StoredName = {
      version: 1,
      name: reference,
      reference,
      origin: look.origin ?? digest,
      id: look.digest === undefined ? digest : `${repositoryOf(reference)}@${look.digest}`,
      digest,
      pulledAt: new Date().toISOString(),
      config,
    };
    keepNames(store, side, stored, names);
    return stored;
  };
  const stored = await unpackImage({ store, side, ...readable, image: reference, cancel, tell, keep });
  return { stored, isNew: true };
}

/** The layout to unpack from, which is another one where umoci (before 0.4.8) cannot read the layers. */
async function makeReadable(
  skopeo: Skopeo,
  store: string,
  layout: string,
): Promise<{ layout: string; digest: Digest }> {
  const digest = findCopied(layout);
  if (!hasZstdLayers(readTextIfAny(blobFile(store, digest)) ?? "")) return { layout, digest };
  // skopeo takes blobs that are there as they are, so that the others come to a directory of their own first.
  const readable = join(skopeo.tmpDir, "readable");
  const blobs = join(readable, "blobs");
  await recompressImage(skopeo, layout, readable);
  for (const name of readdirSync(join(blobs, "sha256")))
    renameSync(join(blobs, "sha256", name), blobFile(store, `sha256:${name}`));
  rmSync(blobs, { recursive: true });
  symlinkSync(blobsDir(store), blobs);
  return { layout: readable, digest: findCopied(readable) };
}

function findCopied(layout: string): Digest {
  const copied = findInIndex(readTextIfAny(join(layout, "index.json")), "image");
  if (!isDigest(copied)) throw new PeapodError("RUNTIME_FAILED", "cannot be pulled: skopeo has left no image");
  return copied;
}

interface Pulled {
  readonly stored: StoredName;
  /** Copied, rather than found unchanged. */
  readonly isNew: boolean;
}

interface Look {
  /** What is to be copied; by digest where that can be, so that it is what was looked at. */
  readonly source: string;
  /** Undefined where only the copy will tell. */
  readonly origin: string | undefined;
  /** Of a registry's manifest. */
  readonly digest: Digest | undefined;
  readonly layers: readonly Layer[];
  /** It is made for one platform, and which one its configuration says. */
  readonly isSingle: boolean;
}

/** @throws NOT_SUPPORTED where it is not made for this machine */
async function lookAt(skopeo: Skopeo, reference: string): Promise<Look> {
  const { transport, rest } = splitImage(reference);
  if (transport !== "docker") {
    const origin = isFileTransport(transport) ? readLocalOrigin(transport, rest) : undefined;
    return { source: reference, origin, digest: undefined, layers: [], isSingle: false };
  }
  const raw = await readRawManifest(skopeo, reference);
  const found = parseManifest(raw);
  if (found === undefined)
    return { source: reference, origin: undefined, digest: undefined, layers: [], isSingle: true };
  const digest: Digest = `sha256:${createHash("sha256").update(raw).digest("hex")}`;
  const source = `${repositoryOf(reference)}@${digest}`;
  if (found.kind === "manifest") return { source, origin: digest, digest, layers: found.layers, isSingle: true };
  const own = makePlatform(process.arch);
  const child = found.platforms.find(({ platform }) => fitsPlatform(platform, own));
  if (child === undefined) throw notForUs(found.platforms.map(({ platform }) => platform));
  const manifest = parseManifest(await readRawManifest(skopeo, `${repositoryOf(reference)}@${child.digest}`));
  return {
    source,
    origin: digest,
    digest,
    layers: manifest?.kind === "manifest" ? manifest.layers : [],
    isSingle: false,
  };
}

/** @throws NOT_SUPPORTED, TIMED_OUT, SkopeoError, CANCELED */
async function copy(
  skopeo: Skopeo,
  look: Look,
  layout: string,
  { image, store, tell }: { readonly image: string; readonly store: string; readonly tell: TellPull | undefined },
): Promise<void> {
  const stop = new AbortController();
  let reason: PeapodError | undefined;
  const stopFor = (why: PeapodError | undefined) => {
    reason ??= why;
    stop.abort();
  };
  const giveUp = () => stopFor(undefined);
  skopeo.cancel?.addEventListener("abort", giveUp);
  if (skopeo.cancel?.aborted) giveUp();
  const { stallMs } = skopeo;
  const totalBytes = look.layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const onStall = () => stopFor(new PeapodError("TIMED_OUT", `cannot be pulled: nothing came for ${stallMs / 1000} s`));
  const from = { store, layout, spool: skopeo.tmpDir, layers: look.layers };
  const endWatch = watchCopy({ image, totalBytes, tell }, from, { stallMs, onStall });
  const own = { ...skopeo, cancel: stop.signal };
  try {
    await Promise.all([
      copyImage(own, look.source, layout).catch((error) => {
        stop.abort();
        throw reason ?? error;
      }),
      // While it comes: whether it can run here at all.
      look.isSingle
        ? assertOwnPlatform(own, look.source).catch((error) => {
            const why = asFinal(error);
            if (why !== undefined) stopFor(why);
          })
        : undefined,
    ]);
  } finally {
    endWatch();
    skopeo.cancel?.removeEventListener("abort", giveUp);
  }
}

/** Why the configuration cannot be read, the copy will tell. */
function asFinal(error: unknown): PeapodError | undefined {
  return error instanceof PeapodError && error.code === "NOT_SUPPORTED" ? error : undefined;
}

async function assertOwnPlatform(skopeo: Skopeo, source: string): Promise<void> {
  const { platform } = parseConfig(await readRawConfig(skopeo, source));
  if (!fitsPlatform(platform, makePlatform(process.arch))) throw notForUs([platform]);
}
