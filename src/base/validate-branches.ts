// Which of ajv's errors belong to the branches of an anyOf, oneOf, not, if or propertyNames: ajv reports them beside
// the combination's own error, and they would tell one fault many times.

import type { Problem } from "../generated/validators.ts";

const COMBINATIONS = ["anyOf", "oneOf", "if", "propertyNames", "contains"];

export interface BranchErrors {
  readonly all: readonly Problem[];
  /** Of the one branch that was plainly meant; empty where none stands out. */
  readonly best: readonly Problem[];
}

export function isCombination(error: Problem): boolean {
  return COMBINATIONS.includes(error.keyword);
}

export function branchErrors(combination: Problem, errors: readonly Problem[]): BranchErrors {
  const { keyword, instancePath } = combination;
  const inside = errors.filter(
    (error) =>
      error !== combination &&
      (error.instancePath === instancePath || error.instancePath.startsWith(`${instancePath}/`)),
  );
  // then and else are told by their own errors; the "if" adds nothing.
  if (keyword === "if") return { all: [], best: inside.length > 0 ? inside : [] };
  if (keyword === "propertyNames") {
    const name = combination.params.propertyName as string;
    const all = inside.filter((error) => error.propertyName === name && error.instancePath === instancePath);
    return { all, best: all.slice(0, 1) };
  }
  const schemas = Array.isArray(combination.schema) ? (combination.schema as unknown[]) : [combination.schema];
  const branches = schemas.map((schema, index) =>
    inside.filter((error) => isInBranch(error, combination, schema, index)),
  );
  const all = branches.flat();
  // A branch that wants another type altogether was not meant, nor one that lacks what makes it that branch.
  const meant = branches.filter(
    (branch) => branch.length > 0 && !branch.some((error) => error.instancePath === instancePath && isOtherForm(error)),
  );
  return { all, best: meant.length === 1 ? (meant[0] ?? []) : [] };
}

function isOtherForm({ keyword }: Problem): boolean {
  return ["type", "const", "enum", "required", "x-refused"].includes(keyword);
}

function isInBranch(error: Problem, combination: Problem, schema: unknown, index: number): boolean {
  const list = Array.isArray(combination.schema);
  const prefix = list ? `${combination.schemaPath}/${index}/` : `${combination.schemaPath}/`;
  if (error.schemaPath.startsWith(prefix)) return true;
  // Behind a $ref ajv starts the path anew at the definition.
  return refsOf(schema).some((ref) => error.schemaPath.startsWith(`${ref}/`));
}

function refsOf(schema: unknown): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  return Object.entries(schema).flatMap(([key, inner]) => {
    return key === "$ref" && typeof inner === "string" ? [inner] : refsOf(inner);
  });
}
