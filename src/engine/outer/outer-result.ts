// How the container that a pod lives in learns the pod's result: one byte over a FIFO, with which its process ends.

import { constants, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { OuterContainer } from "../../plan/outer.ts";
import type { Plan } from "../../plan/plan.ts";

/** Kept open until we end: what is in a FIFO that nobody has open is lost, and its reader may be just starting. */
let fifo: number | undefined;

/** May be told again. @throws system errors */
export function tellResult({ dir }: OuterContainer, status: number): void {
  fifo ??= openSync(join(dir, "result"), constants.O_RDWR | constants.O_NONBLOCK);
  writeSync(fifo, Buffer.from([status & 0xff]));
}

/** For callers that run commands in a member, without asking a supervisor: names in manifest order. */
export function writeMembers({ outer, containers }: Plan): void {
  if (outer === undefined) return;
  const names = containers.filter(({ role }) => role === "main").map(({ name }) => `${name}\n`);
  writeFileSync(join(outer.dir, "members"), names.join(""), { mode: 0o600 });
}
