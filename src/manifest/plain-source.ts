// The plain part of YAML that most manifests are written in, read in a tenth of the time that the yaml package needs to
// start: a pod's first container waits for it. Gives exactly what yaml-source.ts gives, or undefined for whatever is
// unusual, doubtful or wrong, never an opinion of its own (test/unit/manifest/plain-source.test.ts compares the two).

import { parseOctalMode } from "./octal-mode.ts";
import { isFlow, parseFlow } from "./plain-flow.ts";
import { plainValue, quotedValue } from "./plain-scalars.ts";
import type { Position, SourceDocument } from "./source-document.ts";

/** Beyond it the limits on values and depth could be met, and those are yaml-source.ts' to tell. */
const MAX_LENGTH = 32_768;
const MAX_DEPTH = 30;

/** Thrown inside, to give up from any depth. */
class NotPlain extends Error {}

interface Line {
  readonly number: number;
  readonly indent: number;
  /** Without the indentation and a comment line's text; empty: nothing but a comment or blanks. */
  readonly text: string;
}

interface Cursor {
  readonly raw: readonly string[];
  readonly places: Map<string, Position>;
  /** Index into `raw`. */
  next: number;
}

/** The one document of a plain text. */
export function parsePlainSource(text: string): SourceDocument | undefined {
  if (text.length > MAX_LENGTH || /[\r\t\u0085\u2028\u2029\ufeff]|^%|^\.\.\.|\n---|\n\.\.\./.test(text))
    return undefined;
  const raw = text.split("\n");
  const cursor: Cursor = { raw, places: new Map(), next: raw[0] === "---" ? 1 : 0 };
  if (raw[0]?.startsWith("---") && raw[0] !== "---") return undefined;
  try {
    const first = peek(cursor);
    if (first?.indent !== 0 || first.text.startsWith("-")) return undefined;
    cursor.places.set("", { line: first.number, column: 1 });
    const value = readMap(cursor, 0, "", 0, undefined);
    if (peek(cursor) !== undefined) return undefined;
    return { value, places: cursor.places, findings: [], isWhole: true };
  } catch (error) {
    if (error instanceof NotPlain) return undefined;
    throw error;
  }
}

function giveUp(): never {
  throw new NotPlain();
}

/** The next line that says something. */
function peek(cursor: Cursor): Line | undefined {
  for (; cursor.next < cursor.raw.length; cursor.next += 1) {
    const raw = cursor.raw[cursor.next] as string;
    const indent = raw.search(/[^ ]/);
    if (indent !== -1 && raw[indent] !== "#") return { number: cursor.next + 1, indent, text: raw.slice(indent) };
  }
  return undefined;
}

const KEY = /^([A-Za-z_][A-Za-z0-9_./-]{0,200}):(?: +(.*))?$/;

/** Fields at one column; `first` is the field behind the dash of a list's item. */
function readMap(cursor: Cursor, indent: number, pointer: string, depth: number, first: Line | undefined): unknown {
  if (depth > MAX_DEPTH) giveUp();
  const map = Object.create(null) as Record<string, unknown>;
  for (let line = first ?? peek(cursor); line !== undefined && line.indent >= indent; line = peek(cursor)) {
    const match = KEY.exec(line.text);
    if (line.indent !== indent || match === null) giveUp();
    const [, key = "", rest = ""] = match;
    if (typeof plainValue(key) !== "string" || Object.hasOwn(map, key)) giveUp();
    const inner = `${pointer}/${key.replaceAll("/", "~1")}`;
    cursor.places.set(inner, { line: line.number, column: indent + 1 });
    cursor.next += 1;
    const column = indent + line.text.length - rest.length;
    map[key] = readValue(cursor, rest, { line: line.number, column: column + 1 }, indent, inner, depth + 1);
  }
  return map;
}

function readList(cursor: Cursor, indent: number, pointer: string, depth: number): unknown[] {
  if (depth > MAX_DEPTH) giveUp();
  const list: unknown[] = [];
  for (let line = peek(cursor); line !== undefined && line.indent === indent; line = peek(cursor)) {
    const [, dash = ""] = /^(- +)[^ ]/.exec(line.text) ?? [];
    if (dash === "") break;
    const inner = `${pointer}/${list.length}`;
    const item: Line = { number: line.number, indent: indent + dash.length, text: line.text.slice(dash.length) };
    const at = { line: item.number, column: item.indent + 1 };
    cursor.places.set(inner, at);
    if (item.text.startsWith("#") || item.text.startsWith("- ")) giveUp();
    if (KEY.test(item.text)) {
      list.push(readMap(cursor, item.indent, inner, depth + 1, item));
    } else {
      cursor.next += 1;
      list.push(readValue(cursor, item.text, at, indent, inner, depth + 1));
    }
  }
  return list;
}

/** What stands behind a colon or dash, or, where nothing does, in the lines below. */
function readValue(
  cursor: Cursor,
  rest: string,
  at: Position,
  indent: number,
  pointer: string,
  depth: number,
): unknown {
  const [, literal] = /^\|(-?)(?: +#.*| *)$/.exec(rest) ?? [];
  if (literal !== undefined) return readLiteral(cursor, indent, literal === "-");
  if (isFlow(rest)) {
    const flow = parseFlow(rest, at, pointer, cursor.places, depth);
    return flow === undefined ? giveUp() : flow.value;
  }
  if (rest !== "" && !rest.startsWith("#")) return scalarValue(rest, pointer);
  const below = peek(cursor);
  if (below === undefined || below.indent < indent) return null;
  const isList = /^- /.test(below.text);
  if (below.indent === indent) return isList ? readList(cursor, indent, pointer, depth) : null;
  return isList
    ? readList(cursor, below.indent, pointer, depth)
    : readMap(cursor, below.indent, pointer, depth, undefined);
}

function scalarValue(rest: string, pointer: string): unknown {
  const quoted = quotedValue(rest.replace(/(?<=["']) +(#.*)?$/, ""));
  if (quoted !== undefined) return quoted;
  const text = rest.replace(/ +#.*$/, "").trimEnd();
  const value = parseOctalMode(pointer, text) ?? plainValue(text);
  return value === undefined ? giveUp() : value;
}

/** A literal block (`|`, `|-`) whose first line sets the indentation. */
function readLiteral(cursor: Cursor, parentIndent: number, strip: boolean): string {
  const width = (cursor.raw[cursor.next] ?? "").search(/[^ ]/);
  if (width <= parentIndent) giveUp();
  const lines: string[] = [];
  for (; cursor.next < cursor.raw.length; cursor.next += 1) {
    const raw = cursor.raw[cursor.next] as string;
    const indent = raw.search(/[^ ]/);
    if (indent === -1 && raw.length > 0) giveUp();
    if (indent !== -1 && indent < width) break;
    lines.push(raw.slice(width));
  }
  // Without a last line break the text ends where the file does.
  if (cursor.next === cursor.raw.length && cursor.raw.at(-1) !== "") giveUp();
  while (lines.at(-1) === "") lines.pop();
  return lines.join("\n") + (strip ? "" : "\n");
}
