// The named pipes between a container and its io: they outlive both, so either can be started again.

import { lstatSync } from "node:fs";
import { dirname } from "node:path";
import { asPeapodError, PeapodError } from "../base/errors.ts";
import { makeDir } from "../base/files.ts";
import { swiftCall } from "../base/swift-call.ts";

const MKFIFO_MS = 10_000;

export interface FifoPaths {
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Makes the FIFOs of all containers that are not there yet, mode 0600, in one mkfifo(1): Node has no call for it.
 * @throws HOST_LACKS without mkfifo, OUT_OF_RESOURCES, NOT_PERMITTED, STATE_DAMAGED where something else has the name
 */
export async function makeFifos(containers: readonly FifoPaths[]): Promise<void> {
  const missing = containers.flatMap(({ stdout, stderr }) => [stdout, stderr]).filter((path) => !isFifo(path));
  if (missing.length === 0) return;
  try {
    for (const dir of new Set(missing.map((path) => dirname(path)))) makeDir(dir);
  } catch (error) {
    throw asPeapodError(error, "container output");
  }
  const result = await swiftCall({ program: "mkfifo", args: ["-m", "600", "--", ...missing], timeoutMs: MKFIFO_MS });
  if (result.exitCode === 0) return;
  if (result.startError) throw new PeapodError("HOST_LACKS", `mkfifo: cannot be run (${result.startError})`);
  const full = /No space left|quota exceeded/i.test(result.stderr);
  throw new PeapodError(full ? "OUT_OF_RESOURCES" : "BUG", result.stderr.trim() || "mkfifo failed", { detail: result });
}

function isFifo(path: string): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return false;
  if (found.isFIFO()) return true;
  throw new PeapodError("STATE_DAMAGED", `${path}: is not a FIFO`, { hint: "run peapod doctor" });
}
