// A pod image as text: the Dockerfile that puts each member's root file system below /containers/ and the manifest where a
// runtime looks for it. Pure; nothing that a user or an image says can become an instruction of its own.

import { PeapodError } from "../base/errors.ts";
import { isImageReference } from "../base/image-reference.ts";
import { isContainerName, isPodName } from "../base/names.ts";

/** Where a runtime looks for the manifest, unless it is told another path. */
export const MANIFEST_PATH = "/etc/peapod/pod.yaml";
/** In the build's context. */
export const MANIFEST_FILE = "pod.yaml";
export const LABEL = "io.peapod.pod";

/** What a member's files come from: an image, or an archive in the build's context. */
export type MemberSource =
  | { readonly kind: "image"; readonly reference: string }
  | { readonly kind: "archive"; readonly file: string };

export interface PodImage {
  readonly pod: string;
  readonly members: readonly { readonly name: string; readonly source: MemberSource }[];
  /** As images write them: `80/tcp`, `8000-8010/udp`. */
  readonly exposedPorts: readonly string[];
}

/** Of the classic builder's kind: no mounts, no here-documents, no flag newer than multi-stage builds. */
export function makeDockerfile({ pod, members, exposedPorts }: PodImage): string {
  if (!isPodName(pod)) throw new PeapodError("BUG", `pod ${JSON.stringify(pod)}: its name was not checked`);
  const references = [...new Set(members.flatMap(({ source }) => (source.kind === "image" ? [source.reference] : [])))];
  references.forEach(assertReference);
  const stages = new Map(references.map((reference, index) => [reference, `${makePrefix(references)}${index}`]));
  const ports = makePorts(exposedPorts);
  return [
    "# Made by `peapod image build`.",
    ...references.map((reference) => `FROM ${reference} AS ${stages.get(reference)}`),
    "FROM scratch",
    ...members.map(({ name, source }) => makeCopy(name, source, stages)),
    `COPY ${MANIFEST_FILE} ${MANIFEST_PATH}`,
    `LABEL ${LABEL}="${pod}"`,
    ...(ports.length === 0 ? [] : [`EXPOSE ${ports.join(" ")}`]),
    // Callers start nothing without a command; a pod has no use for it.
    'CMD ["peapod"]',
    "",
  ].join("\n");
}

/** Where a member's root file system lies in the image. */
export function makeMemberPath(name: string): string {
  if (!isContainerName(name)) throw new PeapodError("BUG", `container ${JSON.stringify(name)}: was not checked`);
  return `/containers/${name}`;
}

function makeCopy(name: string, source: MemberSource, stages: ReadonlyMap<string, string>): string {
  const target = `${makeMemberPath(name)}/`;
  if (source.kind === "image") return `COPY --from=${stages.get(source.reference)} / ${target}`;
  if (!/^[a-z0-9-]+\.tar$/.test(source.file)) {
    throw new PeapodError("BUG", `archive ${JSON.stringify(source.file)}: cannot stand in a Dockerfile`);
  }
  return `ADD ${source.file} ${target}`;
}

function assertReference(reference: string): void {
  if (isImageReference(reference)) return;
  throw new PeapodError("BAD_MANIFEST", `image ${JSON.stringify(reference)}: is not the name of an image`);
}

/** In FROM an earlier stage goes before an image of the same name, so that no image's name may begin like a stage's. */
function makePrefix(references: readonly string[]): string {
  let prefix = "peapod-stage-";
  while (references.some((reference) => reference.startsWith(prefix))) prefix = `x${prefix}`;
  return prefix;
}

/** EXPOSE is a note for people; what is no port there is left out. */
function makePorts(exposedPorts: readonly string[]): string[] {
  const ports = exposedPorts.filter((port) => /^[0-9]{1,5}(-[0-9]{1,5})?(\/(tcp|udp|sctp))?$/.test(port));
  return [...new Set(ports)].sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : 1));
}
