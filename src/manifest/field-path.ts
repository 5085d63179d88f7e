// The paths of fieldRef and the names of resourceFieldRef: which there are, and why others are refused.

import { parseQuantity } from "./quantity.ts";

const ENV_FIELDS = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];
const FILE_FIELDS = ["metadata.name", "metadata.namespace", "metadata.uid", "metadata.labels", "metadata.annotations"];
const WITH_KEY = /^metadata\.(labels|annotations)\['([^'\]]+)'\]$/;
const RESOURCE = /^(limits|requests)\.(cpu|memory|hugepages-.+)$/;
const BINARY = /^1(|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)$/;

export interface SubscriptedPath {
  readonly map: "labels" | "annotations";
  readonly key: string;
}

/** `metadata.labels['app']` */
export function parseSubscript(path: string): SubscriptedPath | undefined {
  const [, map, key] = WITH_KEY.exec(path) ?? [];
  return map === undefined || key === undefined ? undefined : { map: map as SubscriptedPath["map"], key };
}

/** Why a path names nothing, or undefined. */
export function faultOfField(path: string, use: "env" | "file"): string | undefined {
  const known = use === "env" ? ENV_FIELDS : FILE_FIELDS;
  if (known.includes(path) || parseSubscript(path) !== undefined) return undefined;
  if (path === "spec.serviceAccountName")
    return "not meant for one machine: there are no service accounts; leave it out";
  return `is none of ${known.join(", ")}, metadata.labels['KEY'] and metadata.annotations['KEY']`;
}

export function faultOfResource(resource: string): string | undefined {
  if (RESOURCE.test(resource)) return undefined;
  if (resource.endsWith(".ephemeral-storage")) return "not supported yet: nothing limits ephemeral-storage";
  return "is none of limits.cpu, limits.memory, requests.cpu and requests.memory";
}

/** Why a unit is none for this resource, or undefined. */
export function faultOfDivisor(resource: string, divisor: string): string | undefined {
  if (parseQuantity(divisor)?.digits === 0n) return undefined;
  if (/\.cpu$/.test(resource)) return /^1m?$/.test(divisor) ? undefined : "must be 1 or 1m";
  return BINARY.test(divisor) ? undefined : "must be 1 and a suffix such as Ki, Mi, k or M, or 1";
}
