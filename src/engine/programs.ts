// Where our own executables lie, relative to the bundle that runs.

import { existsSync } from "node:fs";
import { join } from "node:path";

export interface Programs {
  /** The node that runs us and shall run later supervisors. */
  readonly node: string;
  /** The bundle that every supervisor is started from. */
  readonly script: string;
  readonly reaper: string;
  readonly io: string;
  readonly caller: string;
  readonly probe: string;
  readonly pty: string;
}

/** `scriptDir`: the directory of the running bundle, `<prefix>/lib`; the executables lie in `<prefix>/bin`. */
export function findPrograms(script: string): Programs {
  const scriptDir = script.slice(0, script.lastIndexOf("/"));
  const candidates = [join(scriptDir, "../bin"), join(scriptDir, "../../bin")];
  const bin = candidates.find((dir) => existsSync(join(dir, "peapod-reaper"))) ?? join(scriptDir, "../bin");
  return {
    node: process.execPath,
    script,
    reaper: join(bin, "peapod-reaper"),
    io: join(bin, "peapod-io"),
    caller: join(bin, "peapod-caller"),
    probe: join(bin, "peapod-probe"),
    pty: join(bin, "peapod-pty"),
  };
}
