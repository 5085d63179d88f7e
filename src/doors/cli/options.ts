// The options of one command line, checked. Asking for one that the grammar does not have is a bug, not undefined.

import { PeapodError } from "../../base/errors.ts";
import type { OptionKind, OptionSpec } from "./grammar.ts";
import { parseSeconds } from "./parse-time.ts";

/** What the user wrote, by long name: true for a flag (or an optional value left out), text, or texts. */
export type RawOptions = Readonly<Record<string, string | true | readonly string[] | undefined>>;

export interface Options {
  flag(long: string): boolean;
  text(long: string): string | undefined;
  list(long: string): readonly string[];
  /** For `number` and `seconds`. */
  number(long: string): number | undefined;
  /** Given at all, with or without a value. */
  has(long: string): boolean;
}

/**
 * Defaults and environment filled in.
 * @throws BAD_USAGE where a value is not of its kind
 */
export function makeOptions(
  specs: readonly OptionSpec[],
  raw: RawOptions,
  env: Readonly<Record<string, string | undefined>>,
): Options {
  const values = new Map<string, { kind: OptionKind; value: RawOptions[string] }>();
  for (const spec of specs) {
    const fromEnv = spec.env === undefined ? undefined : env[spec.env] || undefined;
    const value = raw[spec.long] ?? fromEnv ?? spec.fallback;
    assertValue(spec, value);
    values.set(spec.long, { kind: spec.kind, value });
  }
  function get(long: string, ...kinds: OptionKind[]): RawOptions[string] {
    const found = values.get(long);
    if (found !== undefined && (kinds.length === 0 || kinds.includes(found.kind))) return found.value;
    throw new PeapodError("BUG", `option --${long}: is not in the grammar of this verb as ${kinds.join(" or ")}`);
  }
  return {
    flag: (long) => get(long, "flag") === true,
    text(long) {
      const value = get(long, "text", "choice");
      return typeof value === "string" ? value : undefined;
    },
    list(long) {
      const value = get(long, "list");
      return Array.isArray(value) ? value : [];
    },
    number(long) {
      const value = get(long, "number", "seconds");
      if (typeof value !== "string") return undefined;
      return values.get(long)?.kind === "seconds" ? parseSeconds(value) : Number(value);
    },
    has: (long) => get(long) !== undefined,
  };
}

function assertValue(spec: OptionSpec, value: RawOptions[string]): void {
  if (typeof value !== "string") return;
  const bad = (wants: string) => {
    throw new PeapodError("BAD_USAGE", `option --${spec.long}: ${JSON.stringify(value)} is not ${wants}`);
  };
  if (spec.kind === "choice" && !spec.choices?.includes(value)) bad(`one of ${spec.choices?.join(", ")}`);
  if (spec.kind === "number" && !/^\d{1,15}$/.test(value)) bad("a whole number");
  if (spec.kind === "seconds" && parseSeconds(value) === undefined) bad("a time in seconds, such as 10, 90s or 2m");
  if (spec.kind === "text" && value === "" && !spec.mayBeEmpty) bad("a value");
}
