// Reading a value that no schema has checked yet: a part of the wrong type counts as absent.

export type Fields = Readonly<Record<string, unknown>>;

export function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** For a sentence; hostile texts are cut. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

/** A key as part of a JSON pointer (RFC 6901 §3). */
export function token(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}
