// One command line from its words to its exit status. Knows no process: all that comes from the world it is given.

import { asPeapodError, PeapodError } from "../../base/errors.ts";
import type { Engine } from "../../engine/engine.ts";
import { ACTIONS, type Action } from "./actions.ts";
import { EXIT, STATUS_OF } from "./exit-codes.ts";
import type { Verb } from "./grammar.ts";
import type { Options } from "./options.ts";
import { parseCommandLine } from "./parse.ts";
import type { Task, World } from "./task.ts";

/** Never throws: what goes wrong is told on stderr and is in the status. */
export async function runCommandLine(argv: readonly string[], world: World): Promise<number> {
  try {
    const line = await parseCommandLine(argv, world.env);
    switch (line.kind) {
      case "version":
        world.output.out(`peapod version ${(await import("./version.ts")).VERSION}\n`);
        return EXIT.ok;
      case "help":
      case "nothing":
        return await printHelp(line.kind === "help" ? line.verb : undefined, line.kind === "nothing", world);
      case "verb": {
        const run = await findAction(line.verb);
        return await run(makeTask(line.verb, line.args, line.options, argv, world));
      }
    }
  } catch (error) {
    return await complain(error, argv, world);
  }
}

async function findAction(verb: Verb): Promise<Action> {
  const load = ACTIONS[verb.name];
  if (load === undefined) throw new PeapodError("BUG", `verb ${verb.name}: nobody does it`);
  return await load();
}

function makeTask(verb: Verb, args: readonly string[], options: Options, argv: readonly string[], world: World): Task {
  let engine: Promise<Engine> | undefined;
  return {
    verb: verb.name,
    args,
    options,
    world,
    engine() {
      engine ??= openEngine(options, world);
      return engine;
    },
    async complain(error) {
      await complain(error, argv, world);
    },
  };
}

async function openEngine(options: Options, world: World): Promise<Engine> {
  return await world.openEngine({
    root: options.text("root") ?? "",
    runtime: options.text("runtime") ?? "",
    cgroupDriver: options.text("cgroup-driver") === "systemd" ? "systemd" : "cgroupfs",
  });
}

async function printHelp(verb: Verb | undefined, isMistake: boolean, world: World): Promise<number> {
  const { makeProgramHelp, makeVerbHelp } = await import("./help.ts");
  const { output } = world;
  const text = verb === undefined ? makeProgramHelp(output.columns) : makeVerbHelp(verb, output.columns);
  if (isMistake) output.err(text);
  else output.out(text);
  return isMistake ? EXIT.failed : EXIT.ok;
}

/** @returns the status for it */
async function complain(error: unknown, argv: readonly string[], world: World): Promise<number> {
  const { findErrorStyle, makeErrorText } = await import("./report-error.ts");
  world.output.err(makeErrorText(error, findErrorStyle(argv), world.now()));
  return STATUS_OF[asPeapodError(error).code];
}
