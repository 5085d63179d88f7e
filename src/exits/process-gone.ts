// Does a process still run? One that only waits to be reaped does not: its line in `exits` is there or about to be.

import { readFileSync } from "node:fs";
import { errnoOf } from "../base/errors.ts";

/** True for no process and for a zombie (`Z`, `X` of proc_pid_stat(5)). */
export function isProcessGone(pid: number): boolean {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The name before the state may hold spaces and brackets.
    const state = text[text.lastIndexOf(")") + 2];
    return state === "Z" || state === "X";
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT" || errno === "ESRCH") return true;
    throw error;
  }
}
