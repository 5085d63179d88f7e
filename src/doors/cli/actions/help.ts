// help.

import { EXIT } from "../exit-codes.ts";
import { makeProgramHelp, makeVerbHelp } from "../help.ts";
import { makeUnknownVerb } from "../parse-carefully.ts";
import type { Task } from "../task.ts";
import { findVerb } from "../verbs.ts";

export async function help(task: Task): Promise<number> {
  const { output } = task.world;
  const name = task.args.length === 0 ? undefined : task.args.join(" ");
  const verb = name === undefined ? undefined : findVerb(name);
  if (name !== undefined && verb === undefined) throw makeUnknownVerb(name);
  output.out(verb === undefined ? makeProgramHelp(output.columns) : makeVerbHelp(verb, output.columns));
  return EXIT.ok;
}
