// A container's standard streams: what its manifest says of input and terminal.

import type { Container } from "../manifest/manifest.ts";
import type { PlannedProcess, PlannedStdio } from "./plan.ts";

/** Nothing for the usual container, which has no input and writes to pipes. */
export function makeStdio({ stdin, stdinOnce, tty }: Container): { readonly stdio?: PlannedStdio } {
  return stdin || tty ? { stdio: { stdin, stdinOnce, tty } } : {};
}

/** As containerd does it: who has a terminal is told of its kind, unless image or manifest tell it already. */
export function withTerm<Process extends Pick<PlannedProcess, "env">>(process: Process, { tty }: Container): Process {
  if (!tty || process.env.some((pair) => pair.startsWith("TERM="))) return process;
  return { ...process, env: [...process.env, "TERM=xterm"] };
}
