// A YAML or JSON text as plain values, each with its place in the text. Knows nothing of pods.

import { makeNormal, type NormalDocument } from "./normal-document.ts";
import { parsePlainSource } from "./plain-source.ts";
import type { Position, SourceDocument } from "./source-document.ts";
import { brokenDocument } from "./source-document.ts";
import { parseYamlSource } from "./yaml-source.ts";

/** What neither YAML (1.2 §5.1) nor JSON allows outside of escapes. */
const CONTROL = /[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

/** The documents of a text, each in the one way to say it; empty ones are left out. */
export function parseSource(text: string): readonly NormalDocument[] {
  const plain = CONTROL.test(text) ? undefined : parsePlainDocuments(text);
  return (plain ?? parseAnySource(text)).map(makeNormal);
}

/** Each by itself, with as many empty lines before it as there are lines above it. Undefined where one is not plain. */
function parsePlainDocuments(text: string): readonly SourceDocument[] | undefined {
  const documents: SourceDocument[] = [];
  let above = 0;
  for (const part of text.split(/^---\n/m)) {
    const lines = part.split("\n");
    const isEmpty = above > 0 && lines.every((line) => /^ *(?:#|$)/.test(line));
    const document = isEmpty ? undefined : parsePlainSource("\n".repeat(above) + part);
    if (!isEmpty && document === undefined && (part !== "" || above > 0)) return undefined;
    if (document !== undefined) documents.push(document);
    above += lines.length;
  }
  return documents.length === 0 ? undefined : documents;
}

/** The same as it is written, without the short way for plain texts. */
export function parseAnySource(text: string): readonly SourceDocument[] {
  const locate = makeLocator(text);
  const control = CONTROL.exec(text);
  if (control !== null)
    return [brokenDocument(locate(control.index), "a control character cannot stand in YAML or JSON")];
  return parseYamlSource(text, locate);
}

/** Offset → position, by binary search; an offset behind the end is the end. */
function makeLocator(text: string): (offset: number) => Position {
  const starts = [0];
  for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", end + 1)) starts.push(end + 1);
  // A last line without a character is no line that an editor shows.
  if (starts.length > 1 && starts.at(-1) === text.length) starts.pop();
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    const start = starts[low] ?? 0;
    const newline = text.indexOf("\n", start);
    return { line: low + 1, column: Math.min(offset, newline === -1 ? text.length : newline) - start + 1 };
  };
}
