// A pod's own document as one that stands for itself: under the name that the pod bears, with images that do not depend
// on the directory it was read from. All else is as the user wrote it, so that the same plan follows. Pure.

import { placeImage } from "../base/image-transports.ts";
import type { Container, PodDocument } from "../generated/pod.ts";
import { formatYaml } from "./image-manifest.ts";
import type { Manifest } from "./manifest.ts";
import type { ReadPod } from "./read-manifest.ts";

/** What is kept of what the user wrote. */
export interface StoredDocuments {
  readonly document: PodDocument;
  /** Documents that came with it: ConfigMaps. */
  readonly companions?: readonly unknown[];
  /** Variables of every container that were said beside it. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Without Secrets: what is kept lies on a disk, and is printed. */
export function makeStored({ document, companions }: ReadPod, env: StoredDocuments["env"]): StoredDocuments {
  const told = companions.filter((one) => !isSecret(one));
  return { document, ...(told.length === 0 ? {} : { companions: told }), ...(env === undefined ? {} : { env }) };
}

/** YAML. */
export function makeGenerated({ document, companions = [], env = {} }: StoredDocuments, manifest: Manifest): string {
  const told = companions.filter((one) => !isSecret(one));
  return [...told, nameAndPlace(document, env, manifest)].map(formatYaml).join("---\n");
}

function isSecret(document: unknown): boolean {
  return typeof document === "object" && document !== null && "kind" in document && document.kind === "Secret";
}

function nameAndPlace(
  document: PodDocument,
  env: Readonly<Record<string, string>>,
  { metadata, spec, source }: Manifest,
): PodDocument {
  // What was said beside the manifest is no template, where Kubernetes' env is one.
  const said = Object.entries(env).map(([name, value]) => ({ name, value: value.replaceAll("$(", "$$$$(") }));
  const withEnv = (container: Container): Container => {
    if (said.length === 0) return container;
    return { ...container, env: [...(container.env ?? []).filter(({ name }) => !(name in env)), ...said] } as Container;
  };
  const place = (container: Container): Container =>
    withEnv({ ...container, image: placeImage(container.image, source.baseDir) });
  const { initContainers, containers, hostname, volumes, ...rest } = document.spec;
  const placeVolume = (volume: NonNullable<typeof volumes>[number]) =>
    volume.image === undefined
      ? volume
      : { ...volume, image: { ...volume.image, reference: placeImage(volume.image.reference, source.baseDir) } };
  return {
    ...document,
    metadata: { ...document.metadata, name: metadata.name },
    spec: {
      ...rest,
      ...(hostname === undefined ? {} : { hostname: spec.hostname }),
      ...(initContainers === undefined ? {} : { initContainers: initContainers.map(place) }),
      containers: containers.map(place),
      ...(volumes === undefined ? {} : { volumes: volumes.map(placeVolume) }),
    } as PodDocument["spec"],
  };
}
