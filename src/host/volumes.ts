// The places of a pod's volumes, before containers mount them. What is the user's (hostPath) is checked, and made where
// he asks for it as Kubernetes does, but never removed or emptied: only what lies in the pod's directory is ours.

import {
  accessSync,
  chmodSync,
  chownSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  realpathSync,
  rmSync,
  type Stats,
  statSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { asPeapodError, errnoOf, PeapodError } from "../base/errors.ts";
import type { PlannedVolume, VolumeOwner } from "../plan/plan.ts";
import { isWithin, readMountTable } from "./mount-table.ts";

type HostVolume = Extract<PlannedVolume, { kind: "host" }>;

/**
 * Makes what is ours and checks what is not. A tmpfs volume is made by its `mount` step.
 * @throws NOT_FOUND, WRONG_STATE where something of another type is there, NOT_PERMITTED, OUT_OF_RESOURCES
 */
export function makeVolumes(volumes: readonly PlannedVolume[]): void {
  for (const volume of volumes) {
    try {
      if (volume.kind === "host") prepareHostPath(volume);
      if (volume.kind === "directory") makeEmptyDir(volume.path, volume.owner);
    } catch (error) {
      throw asPeapodError(error, `volume ${volume.name}: ${volume.path}`);
    }
  }
}

/**
 * Removes a file or a whole tree of ours; what is not there is no error. Symlinks are removed, never followed.
 * @throws WRONG_STATE while anything is mounted at or in it: behind a bind mount lies what is not ours
 */
export function removeTree(path: string): void {
  const real = realPlaceOf(path);
  if (real === undefined) return;
  const mounted = readMountTable().find((mount) => isWithin(mount.target, real));
  if (mounted !== undefined) {
    throw new PeapodError("WRONG_STATE", `${path}: is not removed while ${mounted.target} is mounted`, {
      detail: { mounted },
    });
  }
  rmSync(real, { recursive: true, force: true });
}

/** The mount table knows no symlinks; but the last name may be one, and then it is that which is removed. */
function realPlaceOf(path: string): string | undefined {
  try {
    return join(realpathSync(dirname(path)), basename(path));
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Kubernetes' emptyDir is open to every user, whatever our umask. */
function makeEmptyDir(path: string, owner: VolumeOwner | undefined): void {
  mkdirSync(path, { recursive: true, mode: 0o777 });
  if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
  chmodSync(path, owner?.isGroup ? 0o2777 : 0o777);
}

interface HostPathType {
  readonly word: string;
  fits(found: Stats): boolean;
}

const DIRECTORY: HostPathType = { word: "a directory", fits: (found) => found.isDirectory() };
const FILE: HostPathType = { word: "a file", fits: (found) => found.isFile() };
const TYPES: Readonly<Record<HostVolume["type"], HostPathType>> = {
  "": { word: "there", fits: () => true },
  Directory: DIRECTORY,
  DirectoryOrCreate: DIRECTORY,
  File: FILE,
  FileOrCreate: FILE,
  Socket: { word: "a socket", fits: (found) => found.isSocket() },
  CharDevice: { word: "a character device", fits: (found) => found.isCharacterDevice() },
  BlockDevice: { word: "a block device", fits: (found) => found.isBlockDevice() },
};

function prepareHostPath({ name, path, type }: HostVolume): void {
  const what = `volume ${name}: hostPath ${path}`;
  if (statSync(path, { throwIfNoEntry: false }) === undefined) makeHostPath(path, type);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) {
    throw new PeapodError("NOT_FOUND", `${what} does not exist`, makeHint(type));
  }
  if (!TYPES[type].fits(found)) throw new PeapodError("WRONG_STATE", `${what} is not ${TYPES[type].word}`);
  if (!isOpen(path)) throw new PeapodError("NOT_PERMITTED", `${what} is closed to you`);
}

function makeHint(type: HostVolume["type"]): { readonly hint?: string } {
  // Nobody here makes those.
  if (["Socket", "CharDevice", "BlockDevice"].includes(type)) return {};
  return {
    hint:
      type === "FileOrCreate"
        ? "FileOrCreate makes the file, not the directory that it lies in"
        : "type DirectoryOrCreate makes a directory",
  };
}

/** To be read, or passed through; root is never refused. */
function isOpen(path: string): boolean {
  return [constants.R_OK, constants.X_OK].some((mode) => {
    try {
      accessSync(path, mode);
      return true;
    } catch {
      return false;
    }
  });
}

/** Modes as in Kubernetes' table of hostPath types; the umask has no say. */
function makeHostPath(path: string, type: HostVolume["type"]): void {
  if (type === "DirectoryOrCreate") {
    mkdirSync(path, { recursive: true, mode: 0o755 });
    chmodSync(path, 0o755);
  }
  if (type === "FileOrCreate" && statSync(dirname(path), { throwIfNoEntry: false })) {
    closeSync(openSync(path, "a", 0o644));
    chmodSync(path, 0o644);
  }
}
