// Bundles on disk, all or nothing: a failure leaves no config.json of ours behind.

import { chmodSync, chownSync, mkdirSync, rmSync } from "node:fs";
import { writeFileAtomic } from "../base/files.ts";
import type { Plan, PlannedContainer } from "../plan/plan.ts";
import { makeConfig } from "./make-config.ts";
import type { OciConfig } from "./oci-config.ts";

/**
 * Writes each container's config.json (mode 0600) where the plan says, and opens the way for user namespaces.
 * `at` tells where on disk a path of the plan is to be written, if not there.
 * @throws system errors of the file system
 */
export function writeBundles(plan: Plan, at: (path: string) => string = (path) => path): void {
  // All are made before the first is written: making is what fails for reasons of ours.
  const all = plan.containers.map((container) => ({ container, text: stringifyConfig(makeConfig(plan, container)) }));
  const written: string[] = [];
  try {
    for (const { container, text } of all) {
      mkdirSync(at(container.paths.bundle), { recursive: true, mode: 0o700 });
      if (container.rootfs.lower === undefined) makeEmptyRootfs(container, at(container.paths.rootfs));
      const config = at(container.paths.config);
      writeFileAtomic(config, text, 0o600);
      written.push(config);
    }
    for (const path of plan.sandbox.passable) chmodSync(at(path), 0o711);
  } catch (error) {
    for (const path of written) rmSync(path, { force: true });
    throw error;
  }
}

export function stringifyConfig(config: OciConfig): string {
  return `${JSON.stringify(config, null, 2)}\n`;
}

/** The runtime makes mount points in it, as the root of the container's user namespace. */
function makeEmptyRootfs({ idMapping }: PlannedContainer, path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o755 });
  if (idMapping !== undefined) chownSync(path, idMapping.uids[0]?.host ?? 0, idMapping.gids[0]?.host ?? 0);
}
