// What a document may say in several ways, in one, so that all who read it see the same. Fields without a value (`env:`,
// `env: null`) count as absent, as the Kubernetes API reads them; Helm and kustomize write many. An item of a list without
// a value stays: it is a fault. Names of capabilities lose their prefix and become upper case.

import { token } from "./loose-fields.ts";
import type { SourceDocument } from "./source-document.ts";

export interface NormalDocument extends SourceDocument {
  /** JSON pointers of the fields that were there without a value; `places` has them still. */
  readonly emptyFields: ReadonlySet<string>;
}

export function makeNormal(document: SourceDocument): NormalDocument {
  // What was refused has no value either, and must not be told as missing as well.
  const refused = new Set(document.findings.map(({ pointer }) => pointer));
  const emptyFields = new Set<string>();
  const normal = (value: unknown, pointer: string): unknown => {
    if (typeof value === "string") return CAPABILITY.test(pointer) ? normalCapability(value) : value;
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map((item, index) => normal(item, `${pointer}/${index}`));
    const fields = Object.create(null) as Record<string, unknown>;
    for (const [name, inner] of Object.entries(value)) {
      const at = `${pointer}/${token(name)}`;
      if (inner === null && !refused.has(at)) emptyFields.add(at);
      else fields[name] = normal(inner, at);
    }
    return fields;
  };
  return { ...document, value: normal(document.value, ""), emptyFields };
}

const CAPABILITY = /^\/spec\/(?:initContainers|containers)\/\d+\/securityContext\/capabilities\/(?:add|drop)\/\d+$/;

/** containerd takes any case, podman and Docker the kernel's prefix as well. */
function normalCapability(written: string): string {
  return written.toUpperCase().replace(/^CAP_/, "");
}
