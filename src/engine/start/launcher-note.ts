// How the caller of a pod's first way up wants to be told of it, for a supervisor that was not there when he asked.

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** He is a program and takes one line of JSON (`UpReply`) instead of the pod's name. */
export function noteAskedByMessage(dir: string): void {
  writeFileSync(noteFile(dir), "", { mode: 0o600 });
}

export function isAskedByMessage(dir: string): boolean {
  return existsSync(noteFile(dir));
}

function noteFile(dir: string): string {
  return join(dir, "asked-by-message");
}
