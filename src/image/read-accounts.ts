// An image's own /etc/passwd and /etc/group, through a container of the image that is never started. A link there is not
// followed: it could lead to the host's.

import { randomBytes } from "node:crypto";
import { closeSync, constants, fstatSync, mkdirSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { type Builder, makeFailure, run } from "./builder.ts";
import type { Accounts } from "./image-user.ts";

/** An image's say little; what is cut off here was not meant for us. */
const MAX_BYTES = 1024 * 1024;

/**
 * Empty texts where the image has no such files.
 * @param dir an empty place for copies
 * @param failure the error's beginning
 * @throws RUNTIME_FAILED, CANCELED
 */
export async function readAccounts(
  builder: Builder,
  reference: string,
  dir: string,
  failure: string,
): Promise<Accounts> {
  // Chosen by us, so that we can remove it also where nobody lived to tell its name.
  const container = `peapod-build-${randomBytes(8).toString("hex")}`;
  const isBuildah = builder.kind === "buildah";
  const must = async (...args: string[]): Promise<string> => {
    const result = await run(builder, args);
    if (result.exitCode === 0) return result.stdout.trim();
    throw makeFailure(failure, builder.program, result);
  };
  try {
    if (isBuildah) {
      await must("from", `--name=${container}`, reference);
      return readEtc(join(await must("mount", container), "etc"));
    }
    mkdirSync(dir);
    // Some command must be named, since not every image has one.
    await must("create", `--name=${container}`, "--network=none", reference, "peapod");
    for (const name of ["passwd", "group"]) await run(builder, ["cp", `${container}:/etc/${name}`, join(dir, name)]);
    return readEtc(dir);
  } finally {
    await run({ ...builder, cancel: undefined }, ["rm", ...(isBuildah ? [] : ["--force", "--volumes"]), container]);
  }
}

function readEtc(dir: string): Accounts {
  try {
    const etc = openSync(dir, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    try {
      return { passwd: readPlainFile(etc, "passwd"), group: readPlainFile(etc, "group") };
    } finally {
      closeSync(etc);
    }
  } catch {
    return { passwd: "", group: "" };
  }
}

function readPlainFile(dir: number, name: string): string {
  try {
    const path = `/proc/self/fd/${dir}/${name}`;
    // Not waiting for the other end of a FIFO.
    const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      if (!fstatSync(file).isFile()) return "";
      const bytes = Buffer.alloc(MAX_BYTES);
      return bytes.toString("utf8", 0, readSync(file, bytes, 0, MAX_BYTES, 0));
    } finally {
      closeSync(file);
    }
  } catch {
    return "";
  }
}
