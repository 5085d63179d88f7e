// Each container's overlay over its image's directory. The directory itself is never written to.

import { PeapodError } from "../base/errors.ts";
import type { ContainerName } from "../base/names.ts";
import type { ContainerPaths } from "../base/paths.ts";
import type { HostMount, IdMapping } from "./plan.ts";

export interface OverlayInput {
  readonly name: ContainerName;
  /** Absolute. */
  readonly lower: string;
  readonly paths: ContainerPaths;
  readonly idMapping: IdMapping | undefined;
  /** Mounted in a user namespace, where the attributes that overlays keep for themselves are forbidden. */
  readonly isUsers: boolean;
  /** The user's line, for errors. */
  readonly place: string;
}

/** @throws NOT_SUPPORTED for a path with a character that overlay's or mount(8)'s option syntax gives a meaning to */
export function makeOverlay(input: OverlayInput): HostMount {
  const { name, lower, paths } = input;
  for (const path of [lower, paths.upper, paths.work]) assertPlain(name, path, input.place);
  const owner = makeOwner(input.idMapping);
  return {
    target: paths.rootfs,
    type: "overlay",
    source: "overlay",
    options: [
      `lowerdir=${lower}`,
      `upperdir=${paths.upper}`,
      `workdir=${paths.work}`,
      ...(input.isUsers ? ["userxattr"] : []),
    ],
    directories: [
      { path: paths.bundle, mode: input.idMapping === undefined ? 0o700 : 0o711 },
      { path: paths.upper, mode: 0o755, ...owner },
      { path: paths.work, mode: 0o700 },
      { path: paths.rootfs, mode: 0o700 },
    ],
  };
}

function makeOwner(idMapping: IdMapping | undefined): { uid?: number; gid?: number } {
  if (idMapping === undefined) return {};
  return { uid: idMapping.uids[0]?.host ?? 0, gid: idMapping.gids[0]?.host ?? 0 };
}

/** `:` parts layers, `,` parts options, `\` escapes and `"` quotes; kernels and mount(8) versions disagree on escapes. */
export function assertPlain(name: ContainerName, path: string, place: string): void {
  const bad = /[:,\\"\n\t]/.exec(path);
  if (bad === null) return;
  throw new PeapodError(
    "NOT_SUPPORTED",
    `container ${name}: path ${JSON.stringify(path)} has ${JSON.stringify(bad[0])} in it, which overlay file systems cannot take (${place})`,
    {
      hint: "rename the directory, or name it through another path",
    },
  );
}
