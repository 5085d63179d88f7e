// A container's environment as the manifest and the caller say it, in Kubernetes' order: envFrom, then env, where each may
// name those before it. Knows which variables tell a secret.

import { type Content, makeMarker, objectKey } from "../manifest/config-objects.ts";
import type { Container } from "../manifest/manifest.ts";
import type { EnvSource, ObjectKind } from "../manifest/sources.ts";
import { expand } from "./expand.ts";
import { type FieldContext, makeFieldValue, makeResourceValue } from "./values.ts";

export interface OwnEnv {
  readonly all: ReadonlyMap<string, string>;
  /** Names of those that a secret is in. */
  readonly secret: ReadonlySet<string>;
}

/** The image's variables are not known to `$(NAME)`, as in Kubernetes. */
export function makeOwnEnv(container: Container, context: FieldContext): OwnEnv {
  const all = new Map<string, string>();
  const secret = new Set<string>();
  const set = (name: string, value: string, isSecret: boolean): void => {
    all.set(name, value);
    if (isSecret) secret.add(name);
    else secret.delete(name);
  };
  for (const { kind, object, prefix } of container.envFrom ?? []) {
    for (const [key, content] of contentsOf(kind, object, context)) {
      const text = textOf(content);
      if (text !== undefined) set(`${prefix}${key}`, text, kind === "Secret");
    }
  }
  const { overrides } = context.values;
  for (const [name, value] of overrides) set(name, value, false);
  for (const { name, value, from } of container.env) {
    if (overrides.has(name)) continue;
    if (from === undefined) {
      const named = namesIn(value);
      const text = expand(value, (other) => all.get(other));
      set(
        name,
        text,
        named.some((other) => secret.has(other)),
      );
      continue;
    }
    const found = makeSourceValue(from, context);
    // An optional one that is not there is not set; what envFrom has of that name stays.
    if (found !== undefined) set(name, found, from.from === "key" && from.kind === "Secret");
  }
  return { all, secret };
}

/** The names behind `$(NAME)` in a text. */
export function namesIn(text: string): string[] {
  const names: string[] = [];
  expand(text, (name) => {
    names.push(name);
    return undefined;
  });
  return names;
}

function makeSourceValue(from: EnvSource, context: FieldContext): string | undefined {
  switch (from.from) {
    case "field":
      return makeFieldValue(from.path, context);
    case "resource":
      return makeResourceValue(from, context.facts);
    case "key": {
      const content = contentsOf(from.kind, from.object, context).get(from.key);
      return content === undefined ? undefined : textOf(content);
    }
  }
}

function contentsOf(kind: ObjectKind, name: string, { values }: FieldContext): ReadonlyMap<string, Content> {
  return values.objects.get(objectKey(kind, name))?.data ?? new Map();
}

function textOf(content: Content): string | undefined {
  if ("secret" in content) return makeMarker(content.secret);
  return "text" in content ? content.text : undefined;
}
