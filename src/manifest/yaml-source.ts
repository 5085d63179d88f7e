// YAML and JSON through the yaml package, which is loaded when it is first needed. Never throws for what the text says, and
// never hangs on a hostile one; what only one YAML version understands is a fault.

import type { Alias, Document, Node, Scalar, YAMLMap } from "yaml";
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

/** @throws TooManyValues */
function count(reading: Reading, values: number): void {
  reading.values += values;
  if (reading.values > MAX_VALUES) throw new TooManyValues();
}

function readNode(reading: Reading, node: Node | null, pointer: string, depth: number): unknown {
  count(reading, 1);
  if (node === null) return null;
  const at = place(reading, node);
  if (!reading.places.has(pointer)) reading.places.set(pointer, at);
  const refuse = (message: string): null => {
    reading.findings.push({ pointer, message, at });
    return null;
  };
  if (depth > MAX_DEPTH) return refuse(`is nested too deeply: more than ${MAX_DEPTH} levels`);
  if (reading.yaml.isAlias(node)) {
    const target = targetOf(reading, node);
    return typeof target === "string" ? refuse(target) : readNode(reading, target, pointer, depth + 1);
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

/** What an alias stands for, or why it stands for nothing. */
function targetOf({ anchors, open }: Reading, { source }: Alias): Node | string {
  const target = anchors.get(source);
  if (target === undefined) return `*${clip(source)}: no anchor of this name comes before it`;
  return open.has(target) ? `*${clip(source)}: stands inside what it stands for` : target;
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
  readFields(reading, map, { value, pointer, depth, taken: new Set() });
  return value;
}

/** A map that is being filled. */
interface Filling {
  readonly value: Record<string, unknown>;
  readonly pointer: string;
  readonly depth: number;
  /** Fields that whoever merges `value` says itself: what is merged does not change them. */
  readonly taken: ReadonlySet<string>;
}

function readFields(reading: Reading, map: YAMLMap, filling: Filling): void {
  const { value, pointer, depth, taken } = filling;
  // Merging the same again and again brings no value, and would never end.
  count(reading, map.items.length);
  const names = map.items.map(({ key }) => keyOf(reading, key as Node | null));
  const own = new Set([...taken, ...names.filter((name) => name !== undefined)]);
  const seen = new Map<string, Position>();
  for (const [index, pair] of map.items.entries()) {
    const key = pair.key as Node | null;
    const at = place(reading, key ?? map);
    const name = names[index];
    if (name === undefined) {
      const shown = reading.yaml.isScalar(key) ? (key.source ?? "") : "?";
      reading.findings.push({ pointer: below(pointer, clip(shown)), message: KEY_FAULT, at });
      continue;
    }
    const inner = below(pointer, name);
    const first = seen.get(name);
    if (first !== undefined) {
      reading.findings.push({ pointer: inner, message: `is there twice (first in line ${first.line})`, at });
      continue;
    }
    seen.set(name, at);
    if (name === "<<" && reading.yaml.isScalar(key) && key.type === "PLAIN") {
      mergeNode(reading, pair.value as Node | null, { ...filling, taken: own });
    } else if (!taken.has(name) && !Object.hasOwn(value, name)) {
      reading.places.set(inner, at);
      value[name] = readNode(reading, pair.value as Node | null, inner, depth + 1);
    }
  }
}

/** What stands behind `<<` (https://yaml.org/type/merge.html): a map, or maps of which the first to say a field wins. */
function mergeNode(reading: Reading, node: Node | null, filling: Filling): void {
  const { yaml, anchors } = reading;
  const source = yaml.isAlias(node) ? anchors.get(node.source) : node;
  const items = yaml.isSeq(source) ? (source.items as (Node | null)[]) : [node];
  count(reading, items.length);
  for (const item of items) mergeMap(reading, item, filling);
}

function mergeMap(reading: Reading, node: Node | null, filling: Filling): void {
  const { anchors, findings, open, places, locate } = reading;
  const { pointer, depth } = filling;
  const map = mergedMap(reading, node, depth);
  if (typeof map === "string") {
    const at = (node === null ? places.get(pointer) : place(reading, node)) ?? locate(0);
    findings.push({ pointer: `${pointer}/<<`, message: map, at });
    return;
  }
  if (map.anchor !== undefined) anchors.set(map.anchor, map);
  open.add(map);
  readFields(reading, map, { ...filling, depth: depth + 1 });
  open.delete(map);
}

/** The map whose fields are merged, or why there is none. */
function mergedMap(reading: Reading, node: Node | null, depth: number): YAMLMap | string {
  const { yaml, open } = reading;
  if (depth > MAX_DEPTH) return `is nested too deeply: more than ${MAX_DEPTH} levels`;
  const map = yaml.isAlias(node) ? targetOf(reading, node) : node;
  if (typeof map === "string") return map;
  if (!yaml.isMap(map) || (map.tag !== undefined && !TAGS.includes(map.tag)))
    return "what is merged must be a map, or a list of maps";
  return open.has(map) ? "what is merged stands inside itself" : map;
}

/** A key's text; undefined where it is none, or an anchor or tag makes it doubtful. */
function keyOf(reading: Reading, key: Node | null): string | undefined {
  if (!reading.yaml.isScalar(key) || typeof key.value !== "string" || key.anchor !== undefined) return undefined;
  if (key.tag !== undefined && !(key.tag === MERGE_TAG && key.value === "<<")) return undefined;
  return key.type === "PLAIN" && ambiguityOf(key.value) !== undefined ? undefined : key.value;
}

/** kustomize writes it before each merge key. */
const MERGE_TAG = "tag:yaml.org,2002:merge";

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
