// YAML and JSON through the yaml package, which is loaded when it is first needed. Never throws for what the text says, and
// never hangs on a hostile one; what only one YAML version understands is a fault.

import type { Document, Node, Scalar, YAMLMap } from "yaml";
// biome-ignore lint/correctness/useImportExtensions: takes the .d.cts beside it for the module
import loadYaml from "./load-yaml.cjs";
import { parseOctalMode } from "./octal-mode.ts";
import { ambiguityOf } from "./plain-scalars.ts";
import type { Finding, Position, SourceDocument } from "./source-document.ts";
import { brokenDocument } from "./source-document.ts";
import { syntaxClause } from "./syntax-words.ts";

type Yaml = ReturnType<typeof loadYaml>;
type Locate = (offset: number) => Position;

const MAX_DEPTH = 64;
/** Aliases counted each time that they stand for something: a page of them can say billions. */
const MAX_VALUES = 30_000;
const MAX_SYNTAX_FAULTS = 5;
const CORE_TAG = "tag:yaml.org,2002:";
const TAGS = ["str", "int", "float", "bool", "null", "map", "seq"].map((name) => `${CORE_TAG}${name}`);

/** The documents of a text; empty ones are left out. `locate` turns an offset into its place. */
export function parseYamlSource(text: string, locate: Locate): SourceDocument[] {
  const yaml = loadYaml();
  try {
    // uniqueKeys would compare each key with all others: a large map would take minutes.
    const options = { uniqueKeys: false, prettyErrors: false, logLevel: "silent", resolveKnownTags: false } as const;
    return [...yaml.parseAllDocuments(text, options)].flatMap((document) => {
      const { contents, errors } = document;
      const isEmpty =
        errors.length === 0 && (contents === null || (yaml.isScalar(contents) && contents.value === null));
      return isEmpty ? [] : [readDocument(yaml, document, locate)];
    });
  } catch (error) {
    // The parser recurses; a hundred thousand brackets exhaust the stack.
    if (error instanceof RangeError) return [brokenDocument(locate(0), "the document is nested too deeply")];
    throw error;
  }
}

function readDocument(yaml: Yaml, document: Document.Parsed, locate: Locate): SourceDocument {
  // One slip is often told twice at one place; the first tells more.
  const distinct = new Map([...document.errors].reverse().map((error) => [error.pos[0], error]));
  const errors = [...distinct.values()].reverse().map(({ code, pos, message }) => {
    return { pointer: "", message: syntaxClause(code, message), at: locate(pos[0]) };
  });
  if (document.directives.yaml.explicit && document.directives.yaml.version !== "1.2") {
    const message = `%YAML ${document.directives.yaml.version} is not supported; leave it out`;
    errors.push({ pointer: "", message, at: locate(document.range[0]) });
  }
  const places = new Map<string, Position>();
  if (errors.length > 0)
    return { value: undefined, places, findings: errors.slice(0, MAX_SYNTAX_FAULTS), isWhole: false };
  const reading: Reading = {
    yaml,
    places,
    findings: [],
    anchors: new Map(),
    open: new Set(),
    values: 0,
    locate,
  };
  try {
    const value = readNode(reading, document.contents, "", 0);
    return { value, places, findings: reading.findings, isWhole: true };
  } catch (error) {
    if (error instanceof TooManyValues)
      return brokenDocument(locate(0), `the document has more than ${MAX_VALUES} values`);
    throw error;
  }
}

class TooManyValues extends Error {}

/** What one document's reading has gathered so far. */
interface Reading {
  readonly yaml: Yaml;
  readonly places: Map<string, Position>;
  readonly findings: Finding[];
  readonly anchors: Map<string, Node>;
  /** Anchored nodes that are being read: an alias to one of them would never end. */
  readonly open: Set<Node>;
  values: number;
  readonly locate: Locate;
}

function readNode(reading: Reading, node: Node | null, pointer: string, depth: number): unknown {
  reading.values += 1;
  if (reading.values > MAX_VALUES) throw new TooManyValues();
  if (node === null) return null;
  const at = place(reading, node);
  if (!reading.places.has(pointer)) reading.places.set(pointer, at);
  const refuse = (message: string): null => {
    reading.findings.push({ pointer, message, at });
    return null;
  };
  if (depth > MAX_DEPTH) return refuse(`is nested too deeply: more than ${MAX_DEPTH} levels`);
  if (reading.yaml.isAlias(node)) {
    const target = reading.anchors.get(node.source);
    if (target === undefined) return refuse(`*${clip(node.source)}: no anchor of this name comes before it`);
    if (reading.open.has(target)) return refuse(`*${clip(node.source)}: stands inside what it stands for`);
    return readNode(reading, target, pointer, depth + 1);
  }
  if (node.tag !== undefined && !TAGS.includes(node.tag))
    return refuse(`the tag ${clip(node.tag.replace(CORE_TAG, "!!"))} is not supported`);
  if (reading.yaml.isScalar(node)) {
    if (node.anchor !== undefined) reading.anchors.set(node.anchor, node);
    const isPlain = node.type === "PLAIN" && node.tag === undefined;
    return (isPlain ? parseOctalMode(pointer, node.source ?? "") : undefined) ?? readScalar(node, refuse);
  }
  const { anchor } = node as { anchor?: string };
  if (anchor !== undefined) reading.anchors.set(anchor, node);
  reading.open.add(node);
  const value = reading.yaml.isMap(node)
    ? readMap(reading, node, pointer, depth)
    : reading.yaml.isSeq(node)
      ? node.items.map((item, index) => readNode(reading, item as Node | null, `${pointer}/${index}`, depth + 1))
      : refuse("is of no known kind");
  reading.open.delete(node);
  return value;
}

function readScalar(node: Scalar, refuse: (message: string) => null): unknown {
  const { value, source = "" } = node;
  const ambiguity = node.type === "PLAIN" && node.tag === undefined ? ambiguityOf(clip(source)) : undefined;
  if (ambiguity !== undefined) return refuse(ambiguity);
  if (typeof value !== "number") return value;
  if (!Number.isFinite(value)) return refuse(`${clip(source)} is no finite number; put it in quotes if it is text`);
  if (Number.isInteger(value) && !Number.isSafeInteger(value))
    return refuse("the number is too large to be exact; put it in quotes");
  return value;
}

function readMap(reading: Reading, map: YAMLMap, pointer: string, depth: number): unknown {
  // No prototype: a key such as __proto__ or constructor is a key like others.
  const value = Object.create(null) as Record<string, unknown>;
  reading.values += map.items.length;
  for (const pair of map.items) {
    const key = pair.key as Node | null;
    const at = place(reading, key ?? map);
    const name = keyOf(reading, key);
    if (name === undefined) {
      const shown = reading.yaml.isScalar(key) ? (key.source ?? "") : "?";
      reading.findings.push({ pointer: below(pointer, clip(shown)), message: KEY_FAULT, at });
      continue;
    }
    const inner = below(pointer, name);
    if (name === "<<") {
      reading.findings.push({ pointer: inner, message: "merge keys are not supported; write the fields out", at });
    } else if (Object.hasOwn(value, name)) {
      const first = reading.places.get(inner)?.line;
      reading.findings.push({ pointer: inner, message: `is there twice (first in line ${first ?? at.line})`, at });
    } else {
      reading.places.set(inner, at);
      value[name] = readNode(reading, pair.value as Node | null, inner, depth + 1);
    }
  }
  return value;
}

/** A key's text; undefined where it is none, or an anchor or tag makes it doubtful. */
function keyOf(reading: Reading, key: Node | null): string | undefined {
  if (!reading.yaml.isScalar(key) || typeof key.value !== "string" || key.anchor !== undefined || key.tag !== undefined)
    return undefined;
  return key.type === "PLAIN" && ambiguityOf(key.value) !== undefined ? undefined : key.value;
}

const KEY_FAULT = "a key must be a string without anchor or tag; put it in quotes";

function clip(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

/** RFC 6901 §3. */
function below(pointer: string, name: string): string {
  return `${pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

function place(reading: Reading, node: Node): Position {
  return reading.locate(node.range?.[0] ?? 0);
}
