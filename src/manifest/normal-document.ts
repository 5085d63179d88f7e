// What a document may say in several ways, in one, so that all who read it see the same. Fields without a value (`env:`,
// `env: null`) count as absent, as the Kubernetes API reads them; Helm and kustomize write many. An item of a list without
// a value stays: it is a fault. Fields for a cluster that ask for nothing count as absent, too. Names of capabilities lose their prefix and become upper case.

import { token } from "./loose-fields.ts";
import type { SourceDocument } from "./source-document.ts";

/** By JSON pointer: what a cluster writes by itself, and Helm for want of anything else. Where it says more it is refused. */
export const IDLE_VALUES: Readonly<Record<string, readonly unknown[]>> = {
  "/spec/affinity": [{}],
  "/spec/automountServiceAccountToken": [false],
  "/spec/enableServiceLinks": [true, false],
  "/spec/ephemeralContainers": [[]],
  "/spec/imagePullSecrets": [[]],
  "/spec/nodeName": [""],
  "/spec/nodeSelector": [{}],
  "/spec/os": [{ name: "linux" }],
  "/spec/overhead": [{}],
  "/spec/preemptionPolicy": ["PreemptLowerPriority"],
  "/spec/priority": [0],
  "/spec/priorityClassName": [""],
  "/spec/readinessGates": [[]],
  "/spec/resourceClaims": [[]],
  "/spec/runtimeClassName": [""],
  "/spec/schedulerName": ["default-scheduler", ""],
  "/spec/schedulingGates": [[]],
  "/spec/serviceAccount": ["default", ""],
  "/spec/serviceAccountName": ["default", ""],
  "/spec/tolerations": [[]],
  "/spec/topologySpreadConstraints": [[]],
};

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
      else if (!isIdle(inner, at)) fields[name] = normal(inner, at);
    }
    return fields;
  };
  return { ...document, value: normal(document.value, ""), emptyFields };
}

function isIdle(value: unknown, pointer: string): boolean {
  const idle = Object.hasOwn(IDLE_VALUES, pointer) ? IDLE_VALUES[pointer] : undefined;
  return idle?.some((one) => JSON.stringify(one) === JSON.stringify(value)) ?? false;
}

const CAPABILITY = /^\/spec\/(?:initContainers|containers)\/\d+\/securityContext\/capabilities\/(?:add|drop)\/\d+$/;

/** containerd takes any case, podman and Docker the kernel's prefix as well. */
function normalCapability(written: string): string {
  return written.toUpperCase().replace(/^CAP_/, "");
}
