// A pod's own document as one that stands for itself: under the name that the pod bears, with images that do not depend
// on the directory it was read from. All else is as the user wrote it, so that the same plan follows. Pure.

import { resolve } from "node:path";
import type { Container, PodDocument } from "../generated/pod.ts";
import { formatYaml } from "./image-manifest.ts";
import type { Manifest } from "./manifest.ts";

const SCHEME = "rootfs:";

/** What is kept of what the user wrote. */
export interface StoredDocuments {
  readonly document: PodDocument;
  /** Documents that came with it, such as ConfigMaps. */
  readonly companions?: readonly object[];
}

/** YAML. A Secret among the companions is left out: what is printed is kept and passed on. */
export function makeGenerated({ document, companions = [] }: StoredDocuments, manifest: Manifest): string {
  const told = companions.filter((companion) => !("kind" in companion && companion.kind === "Secret"));
  return [...told, nameAndPlace(document, manifest)].map(formatYaml).join("---\n");
}

function nameAndPlace(document: PodDocument, { metadata, spec, source }: Manifest): PodDocument {
  const place = (container: Container): Container =>
    container.image.startsWith(SCHEME)
      ? { ...container, image: `${SCHEME}${resolve(source.baseDir, container.image.slice(SCHEME.length))}` }
      : container;
  const { initContainers, containers, hostname, ...rest } = document.spec;
  return {
    ...document,
    metadata: { ...document.metadata, name: metadata.name },
    spec: {
      ...rest,
      ...(hostname === undefined ? {} : { hostname: spec.hostname }),
      ...(initContainers === undefined ? {} : { initContainers: initContainers.map(place) }),
      containers: containers.map(place),
    } as PodDocument["spec"],
  };
}
