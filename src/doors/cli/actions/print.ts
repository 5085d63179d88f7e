// How all listings print: JSON indented by two, tables cut to the terminal where there is one; and what goes into a new file.

import { writeFileSync } from "node:fs";
import { errnoOf, PeapodError } from "../../../base/errors.ts";
import type { Task } from "../task.ts";

export function printJson(task: Task, value: unknown): void {
  task.world.output.out(`${JSON.stringify(value, null, 2)}\n`);
}

/** Undefined where output goes to a file or pipe: then nothing is cut. */
export function tableWidth(task: Task): number | undefined {
  return task.world.output.isTerminal ? task.world.output.columns : undefined;
}

/** @throws ALREADY_EXISTS, NOT_PERMITTED */
export function writeNewFile(file: string, text: string): void {
  try {
    writeFileSync(file, text, { flag: "wx" });
  } catch (cause) {
    const why = errnoOf(cause) === "EEXIST" ? "exists already" : "cannot be written";
    const code = errnoOf(cause) === "EEXIST" ? "ALREADY_EXISTS" : "NOT_PERMITTED";
    throw new PeapodError(code, `file ${file}: ${why} (${errnoOf(cause)})`, { cause });
  }
}
