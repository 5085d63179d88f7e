// completion.

import { PeapodError } from "../../../base/errors.ts";
import { COMPLETION_SHELLS, makeCompletion } from "../completion.ts";
import { EXIT } from "../exit-codes.ts";
import type { Task } from "../task.ts";

export async function completion(task: Task): Promise<number> {
  const wanted = task.args[0];
  const shell = COMPLETION_SHELLS.find((known) => known === wanted);
  if (shell === undefined) {
    throw new PeapodError("BAD_USAGE", `completion: there is none for ${JSON.stringify(wanted)}`, {
      hint: `it is there for ${COMPLETION_SHELLS.join(", ")}`,
    });
  }
  task.world.output.out(makeCompletion(shell));
  return EXIT.ok;
}
