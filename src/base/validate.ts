// The one front of the validators that scripts/generate.ts makes from schemas/: what a value from outside lacks,
// as clauses that people can read. Loads a schema's validator when it is first asked for.

import type { Problem, SchemaName } from "../generated/validators.ts";
import { validators } from "../generated/validators.ts";
import { branchErrors, isCombination } from "./validate-branches.ts";
import { makeViolation } from "./validate-words.ts";

export type { SchemaName };

export type ViolationKind =
  /** A name that the schema does not know; `pointer` is the field itself. */
  | "unknown-field"
  /** Known, and not taken (x-refused). */
  | "refused"
  /** A required field is not there; `pointer` is where it would be. */
  | "missing"
  | "type"
  /** Of the right type, and wrong. */
  | "value"
  /** None, or too many, of several forms. */
  | "combination";

export interface Violation {
  /** JSON pointer (RFC 6901) of the offending thing. */
  readonly pointer: string;
  readonly kind: ViolationKind;
  /** A clause to stand after the name of the thing: `must be a string, is the number 8080; put it in quotes`. */
  readonly message: string;
  /** Names or values that would be right, where they can be listed. */
  readonly allowed?: readonly string[];
  /** The one of `allowed` that was probably meant. */
  readonly nearest?: string;
}

/** A hostile value can break a schema in a million places; nobody reads on past these. */
const MAX_ERRORS = 1000;

/** Everything wrong with `value`, at most once a place, in the order of the schema; empty: it is right. */
export function validate(schema: SchemaName, value: unknown): readonly Violation[] {
  if (validators[schema].quick()(value)) return [];
  const thorough = validators[schema].thorough();
  thorough(value);
  return explainErrors(thorough.errors ?? []);
}

function explainErrors(all: readonly Problem[]): Violation[] {
  const errors = withoutBranches(all.slice(0, MAX_ERRORS));
  const violations = new Map<string, Violation>();
  for (const violation of errors.map(makeViolation)) {
    const known = violations.get(violation.pointer);
    if (known === undefined || rank(violation) < rank(known)) violations.set(violation.pointer, violation);
  }
  const found = [...violations.values()];
  const misspelt = new Set(found.flatMap(meantField));
  const inner = new Set(found.map(({ pointer }) => parentOf(pointer)));
  return found.filter(({ kind, pointer }) => {
    if (kind === "missing") return !misspelt.has(pointer);
    // "Has none of the forms" says nothing where a part of it is wrong already.
    return kind !== "combination" || !inner.has(pointer);
  });
}

/** The field that an unknown one was probably meant to be: it is not missing as well. */
function meantField({ kind, pointer, nearest }: Violation): string[] {
  return kind === "unknown-field" && nearest !== undefined ? [`${parentOf(pointer)}/${nearest}`] : [];
}

function parentOf(pointer: string): string {
  return pointer.slice(0, Math.max(0, pointer.lastIndexOf("/")));
}

/** What failed inside a branch is told by the combination (anyOf, oneOf, if) or by its best branch, not by all. */
function withoutBranches(errors: readonly Problem[]): readonly Problem[] {
  let kept = errors;
  for (const error of errors.filter(isCombination)) {
    if (!kept.includes(error)) continue;
    const { all, best } = branchErrors(error, kept);
    const dropped = new Set(best.length === 0 ? all : [error, ...all.filter((inner) => !best.includes(inner))]);
    kept = kept.filter((other) => !dropped.has(other));
  }
  return kept;
}

function rank({ kind }: Violation): number {
  return ["type", "refused", "unknown-field", "missing", "value", "combination"].indexOf(kind);
}
