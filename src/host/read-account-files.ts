// The account files of a root file system, as texts.

import { PeapodError } from "../base/errors.ts";
import { assertPlainInside, readFileInside } from "./read-inside.ts";

/** A machine with ten thousand users has less; a larger one would only cost time. */
const MAX_BYTES = 1024 * 1024;
const PATHS = ["/etc/passwd", "/etc/group"] as const;

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
  const [passwd = "", group = ""] = PATHS.map((path) =>
    named(who, () => readFileInside(root, path, MAX_BYTES)?.toString("utf8")),
  );
  return { passwd, group };
}

/** @throws BAD_MANIFEST for what runtimes would hang on; they read these files themselves, whatever their size */
export function assertAccountFiles(root: string, who: string): void {
  for (const path of PATHS) named(who, () => assertPlainInside(root, path));
}

function named<T>(who: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof PeapodError)) throw error;
    throw new PeapodError(error.code, `${who}: ${error.message}`, { cause: error });
  }
}
