// Binds files and directories with owners mapped, by idmap.c; what is bound already stays as it is.

import { chmodSync, closeSync, existsSync, mkdirSync, openSync, realpathSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { asPeapodError, errnoOf, PeapodError } from "../base/errors.ts";
import { swiftCall } from "../base/swift-call.ts";
import { makeIdMapArgs } from "../plan/map-ids.ts";
import type { IdMappedBind, Step } from "../plan/plan.ts";
import { isWithin, readMountTable } from "./mount-table.ts";
import { makeToolError, TOOL_ENVIRONMENT } from "./tool-error.ts";

const TIMEOUT_MS = 20_000;

/** @throws HOST_LACKS for a file system that cannot map owners, NOT_FOUND, NOT_PERMITTED, OUT_OF_RESOURCES */
export async function mapIds({ maps, mapping, program }: Extract<Step, { do: "map-ids" }>): Promise<void> {
  const there = new Set(readMountTable().map(({ target }) => target));
  for (const map of maps) makeTarget(map);
  // The mount table knows no symlinks.
  const missing = maps.filter(({ target }) => !there.has(realpathSync(target)));
  if (missing.length === 0) return;
  const done = await swiftCall({
    program,
    args: [...makeIdMapArgs(mapping), ...missing.flatMap((map) => [markOwn(map), map.target])],
    env: TOOL_ENVIRONMENT,
    timeoutMs: TIMEOUT_MS,
  });
  if (done.exitCode === 0) return;
  if (/cannot map owners: (Invalid argument|Function not implemented|Operation not permitted)/.test(done.stderr)) {
    throw new PeapodError("HOST_LACKS", `user namespace: ${done.stderr.trim()}`, {
      hint: "ext4, xfs, btrfs and, from Linux 6.3 on, tmpfs can; overlay, proc and network file systems cannot",
    });
  }
  throw makeToolError("user namespace", basename(program), "peapod as a whole", done);
}

/** What is the pod's own; in a user namespace nobody could undo that it lies on a noexec file system. */
function markOwn({ source, target }: IdMappedBind): string {
  return isWithin(source, dirname(dirname(target))) ? `+${source}` : source;
}

/** The root of the user namespace passes through the directory, and sees nothing else in it. */
function makeTarget({ source, target }: IdMappedBind): void {
  if (existsSync(target)) return;
  try {
    mkdirSync(dirname(target), { recursive: true, mode: 0o711 });
    chmodSync(dirname(target), 0o711);
    if (statSync(source).isDirectory()) mkdirSync(target, { recursive: true, mode: 0o700 });
    else closeSync(openSync(target, "a", 0o600));
  } catch (error) {
    if (errnoOf(error) === "ENOENT") throw new PeapodError("NOT_FOUND", `${source}: does not exist`);
    throw asPeapodError(error, `user namespace: ${source}`);
  }
}
