// `peapod image build`: one OCI image out of a manifest and the images that its containers name, by the builder that is
// installed. What is cheap to refuse is refused before anything is pulled or packed.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asPeapodError, PeapodError } from "../../base/errors.ts";
import { isImageName } from "../../base/image-reference.ts";
import { buildImage, findBuilder } from "../../image/builder.ts";
import { fillMember } from "../../image/fill-member.ts";
import { packDirectory } from "../../image/pack-directory.ts";
import { MANIFEST_FILE, MANIFEST_PATH, makeDockerfile, makeMemberPath } from "../../image/pod-image.ts";
import { makeImageManifest } from "../../manifest/image-manifest.ts";
import { parseManifest, type ReadPod, readPod } from "../../manifest/read-manifest.ts";
import type { BuildImageRequest } from "../engine.ts";
import { type Member, makeWishes, readDirectoryMembers, readImageMembers, SCHEME } from "./pod-image-members.ts";

/** @throws BAD_USAGE, BAD_MANIFEST, NOT_FOUND, NOT_SUPPORTED, HOST_LACKS, RUNTIME_FAILED, CANCELED */
export async function buildPodImage(request: BuildImageRequest): Promise<void> {
  const { tag, file, stdinText, signal, tell } = request;
  assertName(tag);
  const { configFiles = [] } = request;
  const pod = readPod(file, "named", { configFiles, ...(stdinText === undefined ? {} : { stdinText }) });
  const wishes = makeWishes(pod.manifest, pod.objects);
  const ofDirectories = readDirectoryMembers(wishes);
  for (const { wish, config } of ofDirectories) fillMember(wish, config, undefined);
  const builder = await findBuilder(request.builder, signal);
  const dir = makeTempDir();
  try {
    const ofImages = await readImageMembers({ builder, dir, tell }, wishes);
    const all = [...ofDirectories, ...ofImages];
    const members = wishes.map((wish) => all.find((member) => member.wish === wish) as Member);
    const context = join(dir, "context");
    mkdirSync(context);
    writeTexts(context, pod, members);
    await packDirectories(context, members, signal);
    tell?.(`building ${tag} with ${builder.program}`);
    await buildImage(builder, context, tag);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function assertName(tag: string): void {
  if (isImageName(tag)) return;
  throw new PeapodError("BAD_USAGE", `image ${JSON.stringify(tag)}: is not a name for an image`, {
    hint: "a name is like shop, team/shop:1.2 or registry.example.com:5000/shop",
  });
}

function makeTempDir(): string {
  try {
    return mkdtempSync(join(tmpdir(), "peapod-image-"));
  } catch (error) {
    throw asPeapodError(error, `directory ${tmpdir()}`);
  }
}

function writeTexts(context: string, { manifest, document, companions }: ReadPod, members: readonly Member[]): void {
  const fields = members.map(({ wish, config, user }) => ({
    image: `${SCHEME}${makeMemberPath(wish.name)}`,
    ...fillMember(wish, config, user),
  }));
  const text = makeImageManifest(document, fields, companions);
  // Refused here rather than by who starts it.
  parseManifest(text, { file: MANIFEST_PATH, baseDir: "/" });
  const dockerfile = makeDockerfile({
    pod: manifest.metadata.name,
    members: members.map(({ wish, source }) => ({ name: wish.name, source })),
    exposedPorts: members.flatMap(({ config }) => config.exposedPorts),
  });
  writeFileSync(join(context, MANIFEST_FILE), text, { mode: 0o644 });
  writeFileSync(join(context, "Dockerfile"), dockerfile);
}

async function packDirectories(
  context: string,
  members: readonly Member[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const packed = new Set<string>();
  for (const { wish, source, directory } of members) {
    if (source.kind !== "archive" || directory === undefined || packed.has(source.file)) continue;
    packed.add(source.file);
    const failure = `container ${wish.name}: rootfs ${directory} cannot be packed (${wish.place})`;
    await packDirectory(directory, join(context, source.file), failure, signal);
  }
}
