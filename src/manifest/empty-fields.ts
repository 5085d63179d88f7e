// Fields without a value (`env:`, `env: null`) count as absent, as the Kubernetes API reads them; Helm and kustomize write
// many. An item of a list without a value stays: it is a fault.

import { token } from "./loose-fields.ts";
import type { SourceDocument } from "./source-document.ts";

export interface FilledDocument extends SourceDocument {
  /** JSON pointers of the fields that were there without a value; `places` has them still. */
  readonly emptyFields: ReadonlySet<string>;
}

export function withoutEmptyFields(document: SourceDocument): FilledDocument {
  // What was refused has no value either, and must not be told as missing as well.
  const refused = new Set(document.findings.map(({ pointer }) => pointer));
  const emptyFields = new Set<string>();
  const fill = (value: unknown, pointer: string): unknown => {
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map((item, index) => fill(item, `${pointer}/${index}`));
    const filled = Object.create(null) as Record<string, unknown>;
    for (const [name, inner] of Object.entries(value)) {
      const at = `${pointer}/${token(name)}`;
      if (inner === null && !refused.has(at)) emptyFields.add(at);
      else filled[name] = fill(inner, at);
    }
    return filled;
  };
  return { ...document, value: fill(document.value, ""), emptyFields };
}
