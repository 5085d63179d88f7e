// A pod's own document as one that stands for itself: under the name that the pod bears, with images that do not depend
// on the directory it was read from. All else is as the user wrote it, so that the same plan follows. Pure.

import { placeImage } from "../base/image-transports.ts";
import type { Container, PodDocument } from "../generated/pod.ts";
import { NETWORKS, PUBLISH } from "./annotations.ts";
import { formatYaml } from "./image-manifest.ts";
import type { DnsWords, Manifest } from "./manifest.ts";
import type { ReadPod } from "./read-manifest.ts";
import { type SaidNames, writeSaidNames } from "./said-names.ts";

/** What is kept of what the user wrote. */
export interface StoredDocuments {
  readonly document: PodDocument;
  /** Documents that came with it: ConfigMaps. */
  readonly companions?: readonly unknown[];
  /** Variables of every container that were said beside it. */
  readonly env?: Readonly<Record<string, string>>;
  /** Its networks and ports, where they were said beside it. */
  readonly networks?: readonly string[];
  readonly publish?: readonly string[];
  readonly names?: SaidNames;
  /** What the pod's resolv.conf says with those. */
  readonly resolved?: DnsWords;
}

/** Without Secrets: what is kept lies on a disk, and is printed. */
export function makeStored(
  { document, companions }: ReadPod,
  { env, networks, publish, names, resolved }: Omit<StoredDocuments, "document" | "companions"> = {},
): StoredDocuments {
  const told = companions.filter((one) => !isSecret(one));
  return {
    document,
    ...(told.length === 0 ? {} : { companions: told }),
    ...(env === undefined ? {} : { env }),
    ...(networks === undefined ? {} : { networks }),
    ...(publish === undefined ? {} : { publish }),
    ...(names === undefined ? {} : { names }),
    ...(resolved === undefined ? {} : { resolved }),
  };
}

/** YAML. */
export function makeGenerated(stored: StoredDocuments, manifest: Manifest): string {
  const { document, companions = [], env = {}, networks, publish, names = {}, resolved } = stored;
  const told = companions.filter((one) => !isSecret(one));
  const said = {
    ...(networks === undefined ? {} : { [NETWORKS]: networks.join(", ") }),
    ...(publish === undefined ? {} : { [PUBLISH]: publish.join(", ") }),
  };
  const placed = annotate(nameAndPlace(document, env, manifest), said);
  const own = { ...placed, spec: writeSaidNames(placed.spec, names, resolved) };
  return [...told, own].map(formatYaml).join("---\n");
}

/** What was said of networks and ports beside the manifest. */
function annotate(document: PodDocument, said: Readonly<Record<string, string>>): PodDocument {
  if (Object.keys(said).length === 0) return document;
  const { metadata } = document;
  return { ...document, metadata: { ...metadata, annotations: { ...metadata.annotations, ...said } } };
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
