// CRIU as this machine has it: the one that PEAPOD_CRIU names, else the first on the PATH.

import { spawnSync } from "node:child_process";

const PROGRAM = process.env.PEAPOD_CRIU || "criu";

/** Why no test here can put a pod on disk; false: it can. */
export const NO_CRIU: string | false = findOut();

function findOut(): string | false {
  const { error, status, stderr } = spawnSync(PROGRAM, ["check"], { encoding: "utf8" });
  if (error !== undefined) return "no criu is installed";
  return status === 0 ? false : `criu check: ${stderr.trim().split("\n")[0]}`;
}
