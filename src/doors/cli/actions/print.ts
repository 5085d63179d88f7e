// How all listings print: JSON indented by two, tables cut to the terminal where there is one.

import type { Task } from "../task.ts";

export function printJson(task: Task, value: unknown): void {
  task.world.output.out(`${JSON.stringify(value, null, 2)}\n`);
}

/** Undefined where output goes to a file or pipe: then nothing is cut. */
export function tableWidth(task: Task): number | undefined {
  return task.world.output.isTerminal ? task.world.output.columns : undefined;
}
