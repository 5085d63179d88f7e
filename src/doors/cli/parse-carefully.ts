// Tokens → options and positionals by commander, its only importer: every way of writing them, and for what is wrong
// a sentence and the nearest name. It sees one flat command, the verb's own options and the global ones.

import { Command, CommanderError, Option } from "commander";
import { PeapodError } from "../../base/errors.ts";
import { GLOBAL_OPTIONS, makeUsage, type OptionSpec, type Verb } from "./grammar.ts";
import type { Line } from "./parse-plainly.ts";
import { findGroup, VERBS } from "./verbs.ts";

/** @throws BAD_USAGE with a hint that names the nearest option */
export function parseCarefully(tokens: readonly string[], verb: Verb | undefined): Line {
  const command = new Command(verb?.name);
  for (const arg of verb?.args ?? []) {
    const word = arg.many ? `${arg.name}...` : arg.name;
    command.argument(arg.required ? `<${word}>` : `[${word}]`);
  }
  const specs = [...(verb?.options ?? []), ...GLOBAL_OPTIONS];
  command
    .exitOverride()
    .helpOption(false)
    .configureOutput({ writeErr: () => {}, writeOut: () => {} });
  const keys = new Map<string, string>();
  for (const spec of specs) {
    const option = makeCommanderOption(spec);
    keys.set(spec.long, option.attributeName());
    command.addOption(option);
  }
  // Never executed for its effect: commander wants an action, else it prints help.
  command.action(() => {});
  try {
    command.parse(tokens, { from: "user" });
  } catch (error) {
    throw error instanceof CommanderError ? makeUsageError(error, command, verb) : error;
  }
  const values = command.opts<Record<string, string | true | string[]>>();
  const raw = Object.fromEntries(specs.map((spec) => [spec.long, values[keys.get(spec.long) ?? ""]]));
  return { raw, args: command.args };
}

function makeCommanderOption(spec: OptionSpec): Option {
  const short = spec.short === undefined ? "" : `-${spec.short}, `;
  const value = spec.kind === "flag" ? "" : spec.valueOptional ? " [value]" : " <value>";
  const option = new Option(`${short}--${spec.long}${value}`);
  // commander would take --no-stream for the absence of --stream.
  option.negate = false;
  if (spec.kind === "list") option.argParser((value: string, all: string[] | undefined) => [...(all ?? []), value]);
  return option;
}

/** @returns BAD_USAGE */
export function makeUnknownVerb(name: string): PeapodError {
  const [first = "", second] = name.split(" ");
  const group = findGroup(first);
  if (group.length > 0) {
    const what =
      second === undefined ? `${first}: its second word is missing` : `${JSON.stringify(name)} is not a verb of peapod`;
    return new PeapodError("BAD_USAGE", what, { hint: `there is ${group.map((verb) => verb.name).join(", ")}` });
  }
  const program = new Command()
    .exitOverride()
    .helpOption(false)
    .helpCommand(false)
    .configureOutput({ writeErr: () => {} });
  for (const verb of VERBS) if (!verb.name.includes(" ")) program.command(verb.name).aliases([...verb.aliases]);
  for (const word of new Set(VERBS.flatMap((verb) => verb.name.split(" ").slice(0, -1)))) program.command(word);
  let near = VERBS.find((verb) => verb.name.endsWith(` ${name}`))?.name;
  try {
    program.parse([name], { from: "user" });
  } catch (error) {
    near ??= error instanceof CommanderError ? nearestOf(error.message) : undefined;
  }
  const hint = near === undefined ? "peapod help lists the verbs" : `did you mean ${near}?`;
  return new PeapodError("BAD_USAGE", `${JSON.stringify(name)} is not a verb of peapod`, { hint });
}

function makeUsageError(error: CommanderError, command: Command, verb: Verb | undefined): PeapodError {
  const seeUsage = verb === undefined ? "see peapod help" : `usage: ${makeUsage(verb)}`;
  const quoted = /'([^']*)'/.exec(error.message)?.[1] ?? "";
  const where = verb === undefined ? "" : `${verb.name}: `;
  switch (error.code) {
    case "commander.unknownOption": {
      const near = nearestOf(error.message);
      const hint = near === undefined ? seeHelp(verb) : `did you mean ${near}?`;
      return new PeapodError("BAD_USAGE", `${where}there is no option ${quoted}`, { hint });
    }
    case "commander.missingArgument":
      return new PeapodError("BAD_USAGE", `${where}${quoted} is missing`, { hint: seeUsage });
    case "commander.optionMissingArgument":
      return new PeapodError("BAD_USAGE", `${where}option ${quoted.split(" <")[0]} needs a value`, {
        hint: seeHelp(verb),
      });
    case "commander.excessArguments": {
      const extra = command.args.slice(verb?.args.length ?? 0).join(" ");
      return new PeapodError("BAD_USAGE", `${where}there is one argument too many: ${extra}`, { hint: seeUsage });
    }
    default:
      return new PeapodError("BAD_USAGE", `${where}${error.message.replace(/^error: /, "")}`, { hint: seeUsage });
  }
}

function seeHelp(verb: Verb | undefined): string {
  return verb === undefined ? "see peapod help" : `see peapod help ${verb.name}`;
}

function nearestOf(message: string): string | undefined {
  return /\(Did you mean (?:one of )?(.+)\?\)/.exec(message)?.[1];
}
