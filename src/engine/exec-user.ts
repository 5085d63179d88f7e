// `exec --user`: who that is, by the account files that the container has at this moment, and the process.json that says
// so. The runtime's own --user takes numbers alone, and would keep the groups of the container's first process.

import { basename, join } from "node:path";
import { PeapodError } from "../base/errors.ts";
import { makeDir, readOwnJson, writeJsonAtomic } from "../base/files.ts";
import type { OciConfig } from "../bundle/oci-config.ts";
import { isSameProcess } from "../host/processes.ts";
import { type AccountFiles, assertAccountFiles, readAccountFiles } from "../host/read-account-files.ts";
import { findAccount } from "../image/accounts.ts";
import type { Plan, PlannedContainer } from "../plan/plan.ts";
import type { ContainerState } from "../state/pod-state.ts";
import type { ExecRequest } from "./engine.ts";

/**
 * Read without following a link out of the container, whatever it does meanwhile.
 * @throws WRONG_STATE where they are no plain files: the runtime, which reads them too, would hang
 */
export function readAccountsOf(container: ContainerState): AccountFiles {
  return lookInside(container, readAccountFiles);
}

/** For an exec that needs none of them. @throws as readAccountsOf does */
export function assertAccountsOf(container: ContainerState): void {
  lookInside(container, assertAccountFiles);
}

function lookInside<T>({ name, pid, startTime }: ContainerState, look: (root: string, who: string) => T): T {
  try {
    const found = look(`/proc/${pid}/root`, `container ${name}`);
    if (pid !== undefined && isSameProcess(pid, startTime ?? 0)) return found;
  } catch (error) {
    if (error instanceof PeapodError) throw new PeapodError("WRONG_STATE", error.message, { cause: error });
    if (pid !== undefined && isSameProcess(pid, startTime ?? 0)) throw error;
  }
  throw new PeapodError("WRONG_STATE", `container ${name}: has ended`);
}

/** Writes the process.json of one exec; returns its path. @throws NOT_FOUND, BAD_USAGE for the user */
export function writeExecProcess(
  plan: Plan,
  planned: PlannedContainer,
  request: ExecRequest & { readonly user: string },
  accounts: AccountFiles,
): string {
  const config = readOwnJson<OciConfig>(planned.paths.config);
  if (config === undefined) throw new PeapodError("STATE_DAMAGED", `container ${planned.name}: has no config.json`);
  const user = findUser(planned, request.user, accounts);
  // Its environment may tell a Secret.
  const dir = join(plan.sandbox.vault ?? plan.paths.dir, basename(plan.paths.calls));
  makeDir(dir);
  const file = join(dir, `exec-${process.pid}.json`);
  writeJsonAtomic(file, {
    ...config.process,
    terminal: request.tty,
    user,
    args: request.args,
    env: [...config.process.env, ...request.env],
    cwd: request.cwd ?? config.process.cwd,
  });
  return file;
}

function findUser(planned: PlannedContainer, words: string, accounts: AccountFiles): OciConfig["process"]["user"] {
  const who = `container ${planned.name}: user ${JSON.stringify(words)}`;
  if (words === "") throw new PeapodError("BAD_USAGE", "option --user: must not be empty");
  const found = findAccount(words, accounts);
  if ("fault" in found) throw new PeapodError("NOT_FOUND", `${who} ${found.fault}`);
  const { uid, gid, groups } = found;
  const { idMapping } = planned;
  for (const [id, ranges] of [
    [uid, idMapping?.uids],
    [gid, idMapping?.gids],
  ] as const) {
    if (ranges === undefined || ranges.some(({ container, size }) => id >= container && id < container + size))
      continue;
    throw new PeapodError("NOT_FOUND", `${who}: id ${id} is not in its user namespace`);
  }
  return { uid, gid, additionalGids: [gid, ...groups] };
}
