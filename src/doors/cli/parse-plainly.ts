// Tokens → options and positionals, where they are written the plain way (`--root DIR`, `--root=DIR`, `-d`, `-o DIR`).
// Gives up on everything else, and on everything wrong: parse-carefully.ts decides then, and must never disagree.

import { GLOBAL_OPTIONS, type Verb } from "./grammar.ts";
import type { RawOptions } from "./options.ts";

export interface Line {
  readonly raw: RawOptions;
  readonly args: readonly string[];
}

export function parsePlainly(tokens: readonly string[], verb: Verb | undefined): Line | undefined {
  const specs = [...(verb?.options ?? []), ...GLOBAL_OPTIONS];
  const raw: Record<string, string | true | string[]> = {};
  const args: string[] = [];
  for (let i = 0; i < tokens.length; i += 1) {
    const token = tokens[i] ?? "";
    if (token === "--") {
      args.push(...tokens.slice(i + 1));
      break;
    }
    if (!token.startsWith("-") || token === "-") {
      args.push(token);
      continue;
    }
    const equals = token.startsWith("--") ? token.indexOf("=") : -1;
    const name = equals < 0 ? token : token.slice(0, equals);
    const spec = specs.find(
      (each) => name === `--${each.long}` || (each.short !== undefined && name === `-${each.short}`),
    );
    if (spec === undefined || spec.valueOptional) return undefined;
    if (spec.kind === "flag") {
      if (equals >= 0) return undefined;
      raw[spec.long] = true;
      continue;
    }
    if (equals < 0) i += 1;
    const value = equals < 0 ? tokens[i] : token.slice(equals + 1);
    if (value === undefined || value.startsWith("-")) return undefined;
    const all = raw[spec.long];
    raw[spec.long] = spec.kind === "list" ? [...(Array.isArray(all) ? all : []), value] : value;
  }
  const wanted = verb?.args ?? [];
  const most = wanted.some((arg) => arg.many) ? Number.POSITIVE_INFINITY : wanted.length;
  if (args.length > most || args.length < wanted.filter((arg) => arg.required).length) return undefined;
  return { raw, args };
}
