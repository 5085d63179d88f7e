// What must be done before each time that a container is made, and can only be done then: parts of volumes (subPath) are
// found where they are now, after init containers wrote there and before a restarted container goes on. May be called again.

import { closeSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { asPeapodError } from "../base/errors.ts";
import { swiftCall } from "../base/swift-call.ts";
import { unmountBelow } from "../host/mounts.ts";
import { openInside } from "../host/open-inside.ts";
import { makeToolError, TOOL_ENVIRONMENT } from "../host/tool-error.ts";
import type { PlannedContainer, PlannedSubPath } from "../plan/plan.ts";

const TIMEOUT_MS = 30_000;

/** @throws NOT_PERMITTED for a symlink that leads out of its volume, WRONG_STATE, OUT_OF_RESOURCES */
export async function prepareContainer(container: PlannedContainer): Promise<void> {
  for (const part of container.subPaths ?? []) await bindPart(container, part);
}

async function bindPart({ name }: PlannedContainer, part: PlannedSubPath): Promise<void> {
  const { volume, mapped, path, target, place, mustExist } = part;
  const what = `container ${name}: subPath ${path} (${place})`;
  // Bound for an earlier life of this container; that may have been something else.
  await unmountBelow(target);
  try {
    // What is missing is made where root is root.
    if (mapped !== undefined) closeSync(openInside(volume, path, what, mustExist).fd);
    const { fd, isDirectory } = openInside(mapped ?? volume, path, what, mustExist);
    try {
      rmSync(target, { recursive: true, force: true });
      mkdirSync(dirname(target), { recursive: true, mode: 0o711 });
      if (isDirectory) mkdirSync(target, { mode: 0o711 });
      else writeFileSync(target, "", { mode: 0o600 });
      // By descriptor, and as it stands: mount(8) would look up the path behind it and take whatever lies there by then.
      const source = `/proc/${process.pid}/fd/${fd}`;
      const args = ["--no-canonicalize", "--bind", source, target];
      const done = await swiftCall({ program: "mount", args, env: TOOL_ENVIRONMENT, timeoutMs: TIMEOUT_MS });
      if (done.startError !== undefined || done.timedOut || done.exitCode !== 0)
        throw makeToolError(what, "mount", "mount", done);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw asPeapodError(error, what);
  }
}
