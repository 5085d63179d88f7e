// A manifest's text once it is read as plain values: what it says, and where in the text it says it.

/** 1-based; columns count UTF-16 units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Something wrong at a JSON pointer of one document. */
export interface Finding {
  readonly pointer: string;
  readonly message: string;
  readonly at: Position;
}

export interface SourceDocument {
  readonly value: unknown;
  /** By JSON pointer: the key of a field, the beginning of a list's item. */
  readonly places: ReadonlyMap<string, Position>;
  readonly findings: readonly Finding[];
  /** False: not even YAML, so `value` says nothing. */
  readonly isWhole: boolean;
}

/** A document that could not be read. */
export function brokenDocument(at: Position, message: string): SourceDocument {
  return { value: undefined, places: new Map(), findings: [{ pointer: "", message, at }], isWhole: false };
}
