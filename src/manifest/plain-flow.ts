// Lists and maps in brackets and braces on one line, for plain-source.ts: `[a, "b"]`, `{cpu: 500m}`.

import { plainValue, quotedValue } from "./plain-scalars.ts";
import type { Position } from "./source-document.ts";

const MAX_DEPTH = 30;

interface Flow {
  readonly text: string;
  readonly places: Map<string, Position>;
  /** Where `text` begins. */
  readonly start: Position;
  offset: number;
}

export function isFlow(text: string): boolean {
  return text.startsWith("[") || text.startsWith("{");
}

/** The value of a line's rest, or undefined where it is more than plain; tells the places of what is inside. */
export function parseFlow(
  text: string,
  start: Position,
  pointer: string,
  places: Map<string, Position>,
  depth: number,
): { readonly value: unknown } | undefined {
  const flow: Flow = { text, places, start, offset: 0 };
  const value = readFlow(flow, pointer, depth);
  return value !== undefined && /^ *$|^ +#/.test(text.slice(flow.offset)) ? { value } : undefined;
}

/** Undefined: gave up. */
function readFlow(flow: Flow, pointer: string, depth: number): unknown {
  if (depth > MAX_DEPTH) return undefined;
  const open = flow.text[flow.offset];
  if (open === "[") return readItems(flow, "]", [], (list) => readItem(flow, list, pointer, depth));
  if (open === "{") {
    const map = Object.create(null) as Record<string, unknown>;
    return readItems(flow, "}", map, () => readField(flow, map, pointer, depth));
  }
  const source = /"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|(?:[^,[\]{}:#"']|:(?=[^ ,[\]{}]))*/y;
  source.lastIndex = flow.offset;
  const text = source.exec(flow.text)?.[0] ?? "";
  flow.offset += text.length;
  if (/^["']/.test(text)) return quotedValue(text);
  return plainValue(text.trimEnd());
}

function readItems<T>(flow: Flow, close: string, into: T, readOne: (into: T) => boolean): T | undefined {
  flow.offset += 1;
  skipBlanks(flow);
  if (flow.text[flow.offset] === close) {
    flow.offset += 1;
    return into;
  }
  for (;;) {
    if (!readOne(into)) return undefined;
    skipBlanks(flow);
    const end = flow.text[flow.offset];
    flow.offset += 1;
    if (end === close) return into;
    if (end !== ",") return undefined;
    skipBlanks(flow);
  }
}

function readItem(flow: Flow, list: unknown[], pointer: string, depth: number): boolean {
  const inner = `${pointer}/${list.length}`;
  flow.places.set(inner, placeOf(flow));
  const value = readFlow(flow, inner, depth + 1);
  list.push(value);
  return value !== undefined;
}

function readField(flow: Flow, map: Record<string, unknown>, pointer: string, depth: number): boolean {
  const key = /([A-Za-z_][A-Za-z0-9_./-]{0,200}): +/y;
  key.lastIndex = flow.offset;
  const [whole, name] = key.exec(flow.text) ?? [];
  if (whole === undefined || name === undefined) return false;
  if (typeof plainValue(name) !== "string" || Object.hasOwn(map, name)) return false;
  const inner = `${pointer}/${name.replaceAll("/", "~1")}`;
  flow.places.set(inner, placeOf(flow));
  flow.offset += whole.length;
  const value = readFlow(flow, inner, depth + 1);
  map[name] = value;
  return value !== undefined;
}

function skipBlanks(flow: Flow): void {
  while (flow.text[flow.offset] === " ") flow.offset += 1;
}

function placeOf({ start, offset }: Flow): Position {
  return { line: start.line, column: start.column + offset };
}
