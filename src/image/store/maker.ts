// Who makes something in the store: a mark that tells whether that process still lives, so that what one left that was
// killed is known for what it is.

import { readTextIfAny } from "../../base/files.ts";

/** This process's, for names of files: `PID-START`. */
export function makeMark(): string {
  return `${process.pid}-${readStart(process.pid) ?? 0}`;
}

/** @param text begins with a mark */
export function isMakerAlive(text: string): boolean {
  const [, pid, start] = /^(\d+)-(\d+)/.exec(text) ?? [];
  return pid !== undefined && String(readStart(Number(pid))) === start;
}

/** Clock ticks after boot, proc_pid_stat(5); undefined for who has ended, also where nobody has asked how. */
function readStart(pid: number): number | undefined {
  const text = readTextIfAny(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" ? undefined : Number(fields[19]);
}
