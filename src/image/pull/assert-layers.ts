// Refuses layers with names that climb (`../../etc/passwd`). umoci keeps such files inside the new root, so that they do no
// harm there; but whoever wrote one meant harm, and the image is not what it seems. tar(1) lists while umoci unpacks.

import { PeapodError } from "../../base/errors.ts";
import { blobFile } from "../store/store-paths.ts";
import type { Layer } from "./parse-image.ts";
import { runTool } from "./run-tool.ts";

// What cannot be printed is escaped, so that a line is a name.
const LIST = ["--list", "--absolute-names", "--quoting-style=escape", "--force-local"];

/** What tar cannot read, umoci will tell of in its own words. @throws BAD_MANIFEST, CANCELED */
export async function assertLayers(store: string, layers: readonly Layer[], cancel: AbortSignal): Promise<void> {
  for (const { digest } of layers) {
    const { stdout } = await runTool({ program: "tar", args: [...LIST, `--file=${blobFile(store, digest)}`], cancel });
    const bad = findClimbing(stdout);
    if (bad === undefined) continue;
    const which = digest.slice(0, "sha256:".length + 12);
    throw new PeapodError(
      "BAD_MANIFEST",
      `cannot be unpacked: layer ${which} has ${bad} in it, which climbs out of it`,
    );
  }
}

/** The first of these names, one a line, with a `..` in it. Pure. */
export function findClimbing(names: string): string | undefined {
  const [, found] = /^((?:.*\/)?\.\.(?:\/.*)?)$/m.exec(names) ?? [];
  return found?.slice(0, 120);
}
