// The account files of a root file system, as texts.

import { PeapodError } from "../base/errors.ts";
import { readFileInside } from "./read-inside.ts";

/** A machine with ten thousand users has less; a larger one would only cost time. */
const MAX_BYTES = 1024 * 1024;

export interface AccountFiles {
  readonly passwd: string;
  readonly group: string;
}

/**
 * Empty texts where there are no such files.
 * @param root absolute; `/proc/PID/root` for a container that runs
 * @param who for errors: `container web`
 * @throws BAD_MANIFEST for a file that runtimes, which read it too, would hang on: a FIFO, a device, too large a one
 */
export function readAccountFiles(root: string, who: string): AccountFiles {
  return { passwd: read(root, "/etc/passwd", who), group: read(root, "/etc/group", who) };
}

function read(root: string, path: string, who: string): string {
  try {
    return readFileInside(root, path, MAX_BYTES)?.toString("utf8") ?? "";
  } catch (error) {
    if (!(error instanceof PeapodError)) throw error;
    throw new PeapodError(error.code, `${who}: ${error.message}`, { cause: error });
  }
}
