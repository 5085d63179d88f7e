// What lies in a checkpoint's directory, and what of it says how far somebody came: `begun.json` stands there from the first
// moment on, `record.json` when all is on disk, `restoring` from the first process that is taken up again.

import { closeSync, constants, existsSync, fstatSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { PeapodError } from "../../base/errors.ts";
import { makeDir, readOwnJson, writeJsonAtomic } from "../../base/files.ts";
import type { ContainerName } from "../../base/names.ts";
import { checkpointDir } from "../../base/paths.ts";
import type { Plan, PlannedContainer } from "../../plan/plan.ts";
import { makeExternalId } from "../../runtime/criu.ts";

export interface CheckpointRecord {
  readonly version: 1;
  /** RFC 3339: the instant at which all stood still. */
  readonly time: string;
  readonly criu: string;
  readonly tcpEstablished: boolean;
  readonly fileLocks: boolean;
  /** In the order in which they are taken up again. */
  readonly containers: readonly CheckpointedContainer[];
}

export interface CheckpointedContainer {
  readonly name: ContainerName;
  /** Its standard streams, by the names that the images have for them. */
  readonly streams: readonly { readonly id: string; readonly fd: number }[];
}

export interface Begun {
  /** An archive that is being written, under another name until it is whole. */
  readonly partial?: string;
}

export interface CheckpointFiles {
  readonly dir: string;
  readonly record: string;
  readonly begun: string;
  readonly restoring: string;
  images(container: string): string;
  /** CRIU's logs. */
  work(container: string): string;
  config(container: string): string;
}

export function makeCheckpointFiles({ paths }: Pick<Plan, "paths">): CheckpointFiles {
  const dir = checkpointDir(paths);
  return {
    dir,
    record: join(dir, "record.json"),
    begun: join(dir, "begun.json"),
    restoring: join(dir, "restoring"),
    images: (container) => join(dir, "images", container),
    work: (container) => join(dir, "work", container),
    config: (container) => join(dir, `${container}.conf`),
  };
}

export function beginCheckpoint({ dir, begun, images, work }: CheckpointFiles, names: readonly string[], what: Begun) {
  makeDir(dirname(dir));
  rmSync(dir, { recursive: true, force: true });
  makeDir(dir);
  writeJsonAtomic(begun, what);
  for (const name of names) {
    makeDir(images(name));
    makeDir(work(name));
  }
}

/** @throws STATE_DAMAGED where somebody took it away */
export function readRecord(files: CheckpointFiles): CheckpointRecord {
  const found = readOwnJson<CheckpointRecord>(files.record);
  if (found !== undefined) return found;
  throw new PeapodError("STATE_DAMAGED", `${files.record}: is not there, so the pod's processes are lost`, {
    hint: "delete the pod, or restart it",
  });
}

export function noteRestoring(files: CheckpointFiles): void {
  writeFileSync(files.restoring, "", { mode: 0o600 });
}

export function isRestoring(files: CheckpointFiles): boolean {
  return existsSync(files.restoring);
}

/** The FIFOs that the container writes to and reads from, as CRIU names them; and their inodes. */
export function readStreams({ paths, stdio }: PlannedContainer) {
  const found = [
    ...(stdio?.stdin ? [{ fd: 0, ...readIdentity(paths.stdin) }] : []),
    { fd: 1, ...readIdentity(paths.stdout) },
    { fd: 2, ...readIdentity(paths.stderr) },
  ];
  return {
    streams: found.map(({ fd, id }) => ({ fd, id })),
    inodes: new Set(found.map(({ inode }) => inode)),
  };
}

/** Opened as the container's descriptors were, so that the kernel names the same mount. */
function readIdentity(path: string): { readonly id: string; readonly inode: number } {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const mountId = Number(/^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1]);
    const inode = fstatSync(fd).ino;
    return { id: makeExternalId(mountId, inode), inode };
  } finally {
    closeSync(fd);
  }
}
