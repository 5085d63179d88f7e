// One of ajv's errors as one readable clause. A schema may bring words of its own: `x-message` for a value of the right
// type that is wrong, `x-missing` for a required field that is not there, `x-refused` for a field that is known and not taken, `x-refused-values` for such values.

import type { Problem } from "../generated/validators.ts";
import { nearestName } from "./nearest.ts";
import type { Violation, ViolationKind } from "./validate.ts";

type Schema = Readonly<Record<string, unknown>>;

export function makeViolation(error: Problem): Violation {
  const { instancePath: pointer, keyword, params, data } = error;
  const schema = (error.parentSchema ?? {}) as Schema;
  switch (keyword) {
    case "additionalProperties":
    case "unevaluatedProperties":
      return unknownField(pointer, String(params.additionalProperty ?? params.unevaluatedProperty), schema);
    case "x-refused":
      return { pointer, kind: "refused", message: String(schema["x-refused"]) };
    case "required":
    case "dependentRequired":
      return said("missing", below(pointer, String(params.missingProperty)), schema, "is missing", "x-missing");
    case "type":
      return { pointer, kind: "type", message: typeClause(params.type as string | string[], data) };
    case "enum":
      return notOneOf(pointer, params.allowedValues as unknown[], data, schema);
    case "const":
      return notOneOf(pointer, [params.allowedValue], data, schema);
    case "uniqueItems":
      return said("value", below(pointer, String(params.j)), schema, `is the same as item ${String(params.i)}`);
    case "oneOf":
    case "anyOf":
      return said("combination", pointer, schema, "has none, or more than one, of the forms that it may have");
    default: {
      const name = error.propertyName;
      if (name === undefined) return said("value", pointer, schema, valueClause(error));
      return said("value", below(pointer, name), schema, `its name ${valueClause(error)}`);
    }
  }
}

/** RFC 6901 §3. */
function below(pointer: string, name: string): string {
  return `${pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

function said(kind: ViolationKind, pointer: string, schema: Schema, otherwise: string, note = "x-message"): Violation {
  const message = schema[note];
  return { pointer, kind, message: typeof message === "string" ? message : otherwise };
}

function unknownField(parent: string, name: string, schema: Schema): Violation {
  const fields = Object.entries((schema.properties ?? {}) as Record<string, Schema>);
  const allowed = fields.filter(([, inner]) => !("x-refused" in inner)).map(([field]) => field);
  const nearest = nearestName(name, allowed);
  const list = allowed.length === 0 ? "" : `; allowed: ${firstOf(allowed)}`;
  return {
    pointer: below(parent, name),
    kind: "unknown-field",
    message: `unknown field${nearest === undefined ? list : `; did you mean ${JSON.stringify(nearest)}?`}`,
    allowed,
    ...(nearest === undefined ? {} : { nearest }),
  };
}

function notOneOf(pointer: string, values: readonly unknown[], data: unknown, schema: Schema): Violation {
  const refused = schema["x-refused-values"] as Readonly<Record<string, string>> | undefined;
  const reason =
    typeof data === "string" && refused !== undefined && Object.hasOwn(refused, data) ? refused[data] : undefined;
  if (reason !== undefined) return { pointer, kind: "refused", message: reason };
  const allowed = values.map((value) => (typeof value === "string" && value !== "" ? value : JSON.stringify(value)));
  const nearest = typeof data === "string" ? nearestName(data, allowed) : undefined;
  const meant = nearest === undefined ? "" : `; did you mean ${nearest}?`;
  const must = allowed.length === 1 ? `must be ${allowed[0] ?? ""}` : `must be one of ${allowed.join(", ")}`;
  const short = `${must}; is ${shown(data)}${meant}`;
  // In a long list the value itself must come first, or nobody finds it.
  const long = `${shown(data)} is none of the allowed values${meant || `; allowed: ${firstOf(allowed)}`}`;
  return {
    ...said("value", pointer, schema, allowed.length > 10 ? long : short),
    allowed,
    ...(nearest === undefined ? {} : { nearest }),
  };
}

const MAX_NAMES = 12;

/** A list that people still read. */
function firstOf(names: readonly string[]): string {
  const more = names.length - MAX_NAMES;
  return more <= 0 ? names.join(", ") : `${names.slice(0, MAX_NAMES).join(", ")} and ${more} more`;
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  object: "a map",
  array: "a list",
  string: "a string",
  boolean: "true or false",
  integer: "a whole number",
  number: "a number",
  null: "empty",
};

function typeClause(types: string | readonly string[], data: unknown): string {
  const wanted = typeof types === "string" ? types.split(",") : types;
  const must = wanted.map((type) => TYPE_WORDS[type] ?? type).join(" or ");
  if (data === null || data === undefined) return `must be ${must}, is empty; give a value or leave it out`;
  const isScalar = typeof data === "number" || typeof data === "boolean";
  return `must be ${must}, is ${shown(data)}${isScalar && types === "string" ? "; put it in quotes" : ""}`;
}

function valueClause({ keyword, params, message }: Problem): string {
  const limit = String(params.limit);
  switch (keyword) {
    case "pattern":
      return `must match ${String(params.pattern)}`;
    case "minLength":
    case "minItems":
    case "minProperties":
      return limit === "1" ? "must not be empty" : `must have at least ${limit} ${unit(keyword)}`;
    case "maxLength":
    case "maxItems":
    case "maxProperties":
      return limit === "0" ? "must be empty" : `must have at most ${limit} ${unit(keyword)}`;
    case "minimum":
      return `must be ${limit} or more`;
    case "maximum":
      return `must be ${limit} or less`;
    case "exclusiveMinimum":
      return `must be more than ${limit}`;
    case "exclusiveMaximum":
      return `must be less than ${limit}`;
    case "multipleOf":
      return `must be a multiple of ${String(params.multipleOf)}`;
    case "false schema":
      return "must not be there";
    case "not":
      return "must not be this";
    default:
      return message ?? `breaks the rule ${keyword}`;
  }
}

function unit(keyword: string): string {
  return keyword.endsWith("Length") ? "characters" : keyword.endsWith("Items") ? "items" : "fields";
}

/** A value in a few words; hostile ones must not fill the terminal. */
function shown(data: unknown): string {
  if (Array.isArray(data)) return "a list";
  if (data === null) return "empty";
  if (typeof data === "object") return "a map";
  if (typeof data === "number") return `the number ${data}`;
  if (typeof data === "boolean") return String(data);
  const text = String(data);
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
