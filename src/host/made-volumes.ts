// Volumes that take more than a directory: files of ConfigMaps and Secrets, a disk of a given size, volumes that outlive
// the pod, volumes that pass mounts on. Each may be made again after a crash: what is so already stays as it is.

import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { asPeapodError, PeapodError } from "../base/errors.ts";
import { prepareFileTree, type TreeFile, writeFileTree } from "../base/file-tree.ts";
import { writeJsonAtomic } from "../base/files.ts";
import { swiftCall } from "../base/swift-call.ts";
import { MKFS_OPTIONS, makeImageSize } from "../plan/disk-image.ts";
import type { HostMount, PlannedFile, PlannedVolume } from "../plan/plan.ts";
import { giveToGroup, isOfGroup } from "./cgroups/group-tree.ts";
import { isWithin } from "./mount-table.ts";
import { mountAll } from "./mounts.ts";
import { makeToolError, TOOL_ENVIRONMENT } from "./tool-error.ts";

type Volume<Kind extends PlannedVolume["kind"]> = Extract<PlannedVolume, { kind: Kind }>;
type FilesVolume = Volume<"files">;

const TIMEOUT_MS = 60_000;

/** What a file holds: by itself, or looked up where only the name of a secret stands. */
export type ReadFile = (volume: FilesVolume, file: PlannedFile) => Uint8Array | string;

/** True where a volume is not done by being made a directory. */
export function isSpecial(volume: PlannedVolume): boolean {
  if (volume.kind === "files" || volume.kind === "disk" || volume.kind === "named") return true;
  return volume.propagation !== undefined;
}

/** @throws HOST_LACKS, OUT_OF_RESOURCES, NOT_PERMITTED */
export async function makeSpecialVolumes(
  volumes: readonly PlannedVolume[],
  read: ReadFile,
  pod: string,
): Promise<void> {
  for (const volume of volumes) {
    try {
      await makeOne(volume, read, pod);
    } catch (error) {
      throw asPeapodError(error, `volume ${volume.name}`);
    }
  }
}

async function makeOne(volume: PlannedVolume, read: ReadFile, pod: string): Promise<void> {
  switch (volume.kind) {
    case "files":
      mkdirSync(dirname(volume.path), { recursive: true });
      writeFileTree(volume.path, treeOf(volume, read), volume.owner);
      return;
    case "disk":
      return await makeDisk(volume);
    case "named":
      makeNamed(volume, pod);
      if (volume.propagation !== undefined) await bindShared(volume.data, volume.path);
      return;
    case "directory":
      if (volume.propagation !== undefined) await bindShared(volume.path, volume.path);
      return;
    case "host":
      if (volume.propagation !== undefined) assertPasses(volume);
      return;
    case "tmpfs":
    case "image":
      return;
  }
}

/** What the files of these will take of the disk, so that it is there when they change. @throws OUT_OF_RESOURCES, NOT_PERMITTED */
export function prepareFiles(volumes: readonly PlannedVolume[], read: ReadFile): void {
  for (const volume of volumes) {
    if (volume.kind !== "files") continue;
    try {
      mkdirSync(dirname(volume.path), { recursive: true });
      prepareFileTree(volume.path, treeOf(volume, read), volume.owner);
    } catch (error) {
      throw asPeapodError(error, `volume ${volume.name}`);
    }
  }
}

function treeOf(volume: FilesVolume, read: ReadFile): TreeFile[] {
  return volume.files.map((file) => ({ path: file.path, mode: file.mode, bytes: read(volume, file) }));
}

/** A file system of its own in a sparse file: who writes too much gets ENOSPC, and nobody need watch. */
async function makeDisk(volume: Volume<"disk">): Promise<void> {
  const { image, path, sizeBytes, owner, propagation } = volume;
  mkdirSync(dirname(image), { recursive: true });
  if (!existsSync(image)) {
    const side = `${image}.new`;
    const { bytes, inodes } = makeImageSize(sizeBytes);
    writeFileSync(side, "", { mode: 0o600 });
    truncateSync(side, bytes);
    await runTool(volume, "mkfs.ext4", [...MKFS_OPTIONS, "-N", String(inodes), side]);
    renameSync(side, image);
  }
  const options = ["loop", "nosuid", "nodev", ...(propagation === undefined ? [] : ["shared"])];
  await mountAll([{ target: path, type: "ext4", source: image, options, directories: [] }]);
  rmSync(`${path}/lost+found`, { recursive: true, force: true });
  if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
  chmodSync(path, owner?.isGroup ? 0o2777 : 0o777);
}

function makeNamed({ claim, data, record, owner, policy }: Volume<"named">, pod: string): void {
  if (!existsSync(data)) {
    // Passable for the root of a user namespace; nobody can list it.
    mkdirSync(dirname(dirname(data)), { recursive: true, mode: 0o711 });
    mkdirSync(dirname(data), { recursive: true, mode: 0o711 });
    mkdirSync(data, { recursive: true });
    chmodSync(data, 0o777);
    if (owner !== undefined) chownSync(data, owner.uid, owner.gid);
  }
  if (!existsSync(record))
    writeJsonAtomic(record, { name: claim, createdAt: new Date().toISOString(), createdBy: pod });
  if (owner?.isGroup && !(policy === "OnRootMismatch" && isOfGroup(data, owner.gid))) giveToGroup(data, owner.gid);
}

/** Bound once more, so that its being shared is nobody else's matter. */
async function bindShared(source: string, target: string): Promise<void> {
  const mount: HostMount = { target, type: "none", source, options: ["bind", "shared"], directories: [] };
  await mountAll([mount]);
}

/** What is mounted below it later can only be seen if the mount that it lies on is shared (mount_namespaces(7)). */
function assertPasses({ name, path, propagation }: Volume<"host">): void {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  const above = lines
    .map((line) => line.split(" "))
    .filter(([, , , , target]) => target !== undefined && isWithin(path, target))
    .reduce((one, other) => ((one[4]?.length ?? 0) > (other[4]?.length ?? 0) ? one : other), []);
  const tags = above.slice(6, above.indexOf("-"));
  const wanted = propagation === "Bidirectional" ? /^shared:/ : /^(shared|master):/;
  if (tags.some((tag) => wanted.test(tag))) return;
  throw new PeapodError(
    "HOST_LACKS",
    `volume ${name}: mounts below ${path} are not passed on: ${above[4]} is private`,
    {
      hint: `mount --make-rshared ${above[4]}`,
    },
  );
}

async function runTool({ name }: Volume<"disk">, program: string, args: readonly string[]): Promise<void> {
  const done = await swiftCall({ program, args, env: TOOL_ENVIRONMENT, timeoutMs: TIMEOUT_MS });
  if (done.startError === undefined && !done.timedOut && done.exitCode === 0) return;
  throw makeToolError(`volume ${name}: its sizeLimit`, program, "e2fsprogs", done);
}
