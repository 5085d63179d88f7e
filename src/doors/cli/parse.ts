// Command line → verb, positionals and options. Global options may stand anywhere. Loads no parser for a line that
// is written plainly: the first container waits for it.

import { GLOBAL_OPTIONS, type OptionSpec, type Verb } from "./grammar.ts";
import { makeOptions, type Options } from "./options.ts";
import { type Line, parsePlainly } from "./parse-plainly.ts";
import { findGroup, findVerb } from "./verbs.ts";

export type ParsedLine =
  | { readonly kind: "help"; readonly verb: Verb | undefined }
  | { readonly kind: "version" }
  | { readonly kind: "nothing" }
  | { readonly kind: "verb"; readonly verb: Verb; readonly args: readonly string[]; readonly options: Options };

/** @throws BAD_USAGE with a hint that names the nearest verb or option */
export async function parseCommandLine(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<ParsedLine> {
  const at = findFirstPositional(argv, GLOBAL_OPTIONS);
  const before = at === undefined ? argv : argv.slice(0, at);
  if (asksFor(before, "--help", "-h")) return { kind: "help", verb: undefined };
  if (asksFor(before, "--version", "-v", "-V")) return { kind: "version" };
  const name = at === undefined ? undefined : argv[at];
  if (at === undefined || name === undefined) {
    await parseLine(before, undefined);
    return { kind: "nothing" };
  }
  if (before.length > 0) await parseLine(before, undefined);
  const words = argv.slice(at, at + countWords(argv, at));
  const verb = findVerb(words.join(" "));
  if (verb === undefined) {
    if (findGroup(name).length > 0 && asksFor(argv.slice(at + 1), "--help", "-h")) return { kind: "help", verb };
    throw (await import("./parse-carefully.ts")).makeUnknownVerb(words.join(" "));
  }

  const specs = [...verb.options, ...GLOBAL_OPTIONS];
  const rest = [...before, ...argv.slice(at + words.length)];
  const { own, others } = verb.takesCommand ? splitCommand(rest, specs) : { own: rest, others: [] };
  const ends = own.indexOf("--");
  if (asksFor(ends < 0 ? own : own.slice(0, ends), "--help", "-h")) return { kind: "help", verb };

  const line = await parseLine(others.length === 0 ? own : [...own, "--", ...others], verb);
  return { kind: "verb", verb, args: line.args, options: makeOptions(specs, line.raw, env) };
}

async function parseLine(tokens: readonly string[], verb: Verb | undefined): Promise<Line> {
  return parsePlainly(tokens, verb) ?? (await import("./parse-carefully.ts")).parseCarefully(tokens, verb);
}

/** How many words the verb at `at` has. */
function countWords(argv: readonly string[], at: number): number {
  const next = argv[at + 1];
  return findGroup(argv[at] ?? "").length > 0 && next !== undefined && !next.startsWith("-") ? 2 : 1;
}

/** Index of the first token that is neither an option nor an option's value. */
function findFirstPositional(tokens: readonly string[], specs: readonly OptionSpec[], skip = 0): number | undefined {
  let left = skip;
  for (let i = 0; i < tokens.length; i += 1) {
    const token = tokens[i] ?? "";
    if (token === "--") return i;
    if (!token.startsWith("-") || token === "-") {
      if (left === 0) return i;
      left -= 1;
    } else if (takesNext(token, specs)) i += 1;
  }
  return undefined;
}

/** Does this option token (`--env`, `-te`) have its value in the next token? */
function takesNext(token: string, specs: readonly OptionSpec[]): boolean {
  const wants = (spec: OptionSpec | undefined) => spec !== undefined && spec.kind !== "flag" && !spec.valueOptional;
  if (token.startsWith("--")) return wants(specs.find((spec) => `--${spec.long}` === token));
  for (let i = 1; i < token.length; i += 1) {
    const spec = specs.find((candidate) => candidate.short === token[i]);
    if (spec === undefined) return false;
    if (spec.kind !== "flag") return wants(spec) && i === token.length - 1;
  }
  return false;
}

/** `web -c server ls -l`: from the second positional, or `--`, all belongs to the command. */
function splitCommand(tokens: readonly string[], specs: readonly OptionSpec[]) {
  const at = findFirstPositional(tokens, specs, 1);
  if (at === undefined) return { own: tokens, others: [] };
  return { own: tokens.slice(0, at), others: tokens.slice(tokens[at] === "--" ? at + 1 : at) };
}

function asksFor(tokens: readonly string[], ...flags: string[]): boolean {
  return tokens.some((token) => flags.includes(token));
}
