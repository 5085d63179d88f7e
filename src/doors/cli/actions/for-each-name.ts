import { asPeapodError } from "../../../base/errors.ts";
import { EXIT, STATUS_OF } from "../exit-codes.ts";
import type { Task } from "../task.ts";

/** One after the other: one that fails does not keep the others; the status is the first failure's. */
export async function forEachName(task: Task, run: (name: string) => Promise<void>): Promise<number> {
  let status: number = EXIT.ok;
  for (const name of task.args) {
    try {
      await run(name);
    } catch (error) {
      await task.complain(error);
      if (status === EXIT.ok) status = STATUS_OF[asPeapodError(error).code];
    }
  }
  return status;
}
