// JSON with the place of each value, so that what is wrong with it can be pointed at. Strict (RFC 8259); Node's own parser
// reads the values, this one finds the places, and where the text stops being JSON.

export interface Place {
  readonly line: number;
  readonly column: number;
}

export type PlacedJson =
  | { readonly value: unknown; readonly placeOf: (path: string) => Place }
  | { readonly fault: string; readonly place: Place };

/** Paths are as people write them: `plugins[0].type`; of one that is not there the nearest above it counts. */
export function parsePlacedJson(text: string): PlacedJson {
  const places = new Map<string, number>();
  try {
    const value: unknown = JSON.parse(text);
    new Scanner(text, places).scan();
    return { value, placeOf: (path) => makePlace(text, findNearest(places, path)) };
  } catch {
    const scanner = new Scanner(text, places);
    try {
      scanner.scan();
    } catch (error) {
      if (error instanceof Stuck) return { fault: error.message, place: makePlace(text, scanner.at) };
    }
    return { fault: "is not JSON", place: makePlace(text, scanner.at) };
  }
}

function findNearest(places: ReadonlyMap<string, number>, path: string): number {
  for (let at = path; at !== ""; at = at.replace(/(\.[^.[\]]*|\[[^\]]*\]|^[^.[]*)$/, "")) {
    const found = places.get(at);
    if (found !== undefined) return found;
  }
  return places.get("") ?? 0;
}

function makePlace(text: string, at: number): Place {
  const before = text.slice(0, at).split("\n");
  return { line: before.length, column: (before.at(-1) ?? "").length + 1 };
}

class Stuck extends Error {}

/** Far more than any configuration has. */
const DEEPEST = 200;
const SPACE = /[ \t\r\n]*/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: what RFC 8259 keeps out of strings
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const OTHER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

class Scanner {
  at = 0;
  readonly #text: string;
  readonly #places: Map<string, number>;

  constructor(text: string, places: Map<string, number>) {
    this.#text = text;
    this.#places = places;
  }

  scan(): void {
    this.#value("", 0);
    this.#skip();
    if (this.at < this.#text.length) this.#stop("something follows the end");
  }

  #value(path: string, depth: number): void {
    this.#skip();
    this.#places.set(path, this.at);
    if (depth > DEEPEST) this.#stop("is nested too deeply");
    if (this.#take("{")) this.#members(path, depth, "}");
    else if (this.#take("[")) this.#members(path, depth, "]");
    else if (!this.#match(STRING) && !this.#match(OTHER)) this.#stop("a value is missing");
  }

  #members(path: string, depth: number, end: "}" | "]"): void {
    this.#skip();
    if (this.#take(end)) return;
    for (let index = 0; ; index += 1) {
      this.#value(end === "]" ? `${path}[${index}]` : this.#name(path), depth + 1);
      this.#skip();
      if (this.#take(end)) return;
      if (!this.#take(",")) this.#stop(`a comma or ${end} is missing`);
    }
  }

  #name(path: string): string {
    this.#skip();
    const from = this.at;
    if (!this.#match(STRING)) this.#stop("a name in quotes is missing");
    const name = JSON.parse(this.#text.slice(from, this.at)) as string;
    this.#skip();
    if (!this.#take(":")) this.#stop("a colon is missing");
    return path === "" ? name : `${path}.${name}`;
  }

  #skip(): void {
    this.#match(SPACE);
  }

  #take(sign: string): boolean {
    if (this.#text[this.at] !== sign) return false;
    this.at += 1;
    return true;
  }

  #match(pattern: RegExp): boolean {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.#text);
    if (found === null) return false;
    this.at += found[0].length;
    return true;
  }

  #stop(why: string): never {
    throw new Stuck(`is not JSON: ${why}`);
  }
}
