// The images of a manifest as the planner sees them. What the store has is read; the rest is pulled, or only looked at
// where nothing is to be touched. Those of directories and of the store load nothing of what pulls.

import { PeapodError } from "../../base/errors.ts";
import { splitImage } from "../../base/image-transports.ts";
import type { ContainerName } from "../../base/names.ts";
import { takeOutcome } from "../../base/outcome.ts";
import { imagesDir } from "../../base/paths.ts";
import { readAccountFiles } from "../../host/read-account-files.ts";
import type { Image } from "../../image/image.ts";
import type { PullNews } from "../../image/pull/news.ts";
import { readImage } from "../../image/read-image.ts";
import { findStored } from "../../image/store/find-stored.ts";
import type { PullPolicy } from "../../image/store/image-name.ts";
import { rootfsOf } from "../../image/store/store-paths.ts";
import type { StoredName } from "../../image/store/stored-image.ts";
import type { Manifest } from "../../manifest/manifest.ts";

export interface FoundImages {
  readonly containers: ReadonlyMap<ContainerName, Image>;
  /** Behind the volumes that are images, by volume. */
  readonly volumes: ReadonlyMap<string, Image>;
}

export interface FindOptions {
  readonly root: string;
  /** False: nothing is pulled; of what is not here the configuration is read where it is. */
  readonly pulls: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly tellPull?: ((news: PullNews) => void) | undefined;
}

interface Asked {
  /** `container web` */
  readonly who: string;
  readonly image: string;
  readonly policy: PullPolicy | undefined;
  /** `pod.yaml:14` */
  readonly where: string;
}

/** @throws what readImage and pulling throw, with who asked and where */
export async function findImages(manifest: Manifest, options: FindOptions): Promise<FoundImages> {
  const { source, spec } = manifest;
  const place = (pointer: string) => {
    const line = source.lines[pointer];
    return line === undefined ? source.file : `${source.file}:${line}`;
  };
  const containers = new Map<ContainerName, Image>();
  for (const { name, image, pullPolicy, pointer } of spec.containers) {
    const who = `container ${name}`;
    const found = await findImage({ who, image, policy: pullPolicy, where: place(`${pointer}/image`) }, options);
    containers.set(
      name,
      found.isHere ? { ...found.image, accounts: readAccountFiles(found.image.rootfs, who) } : found.image,
    );
  }
  const volumes = new Map<string, Image>();
  for (const [index, volume] of spec.volumes.entries()) {
    if (volume.kind !== "image") continue;
    const where = place(`/spec/volumes/${index}/image/reference`);
    const asked = { who: `volume ${volume.name}`, image: volume.reference, policy: volume.pullPolicy, where };
    volumes.set(volume.name, (await findImage(asked, options)).image);
  }
  return { containers, volumes };
}

/** `isHere`: its files are, too. */
async function findImage(asked: Asked, options: FindOptions): Promise<{ image: Image; isHere: boolean }> {
  const { who, image, policy, where } = asked;
  if (splitImage(image).transport === "rootfs") return { image: readImage(image, who, where), isHere: true };
  const store = imagesDir(options.root);
  const stored = findStored(store, image, policy);
  if (stored !== undefined) return { image: asImage(store, image, stored), isHere: true };
  const { signal: cancel, tellPull: tell } = options;
  try {
    const { lookAtImage, pullImage } = await import("../images/image-store.ts");
    const wish = { image, policy };
    if (options.pulls)
      return {
        image: asImage(store, image, takeOutcome(await pullImage(wish, { store, cancel, tell }))),
        isHere: true,
      };
    const { name, isHere } = takeOutcome(await lookAtImage(wish, { store, cancel, tell }));
    return { image: asImage(store, image, name), isHere };
  } catch (error) {
    if (!(error instanceof PeapodError) || error.code === "HOST_LACKS" || error.code === "CANCELED") throw error;
    throw new PeapodError(error.code, `${who}: ${error.message} (${where})`, {
      cause: error,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}

function asImage(store: string, reference: string, { id, digest, config }: StoredName): Image {
  return { reference, id, rootfs: rootfsOf(store, digest), config };
}
