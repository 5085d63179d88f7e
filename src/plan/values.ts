// What environment variables and files are made of: ConfigMaps and Secrets, facts about the pod, amounts of resources.

import type { HostFacts } from "../host/facts.ts";
import type { ConfigObjects } from "../manifest/config-objects.ts";
import { parseSubscript } from "../manifest/field-path.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { parseQuantity, type Quantity } from "../manifest/quantity.ts";
import type { ResourceSource } from "../manifest/sources.ts";

export interface Values {
  readonly objects: ConfigObjects;
  /** The pod's own UUID, for metadata.uid. */
  readonly uid: string;
  /** Variables that the caller sets in every container, in place of the manifest's. */
  readonly overrides: ReadonlyMap<string, string>;
  /** The pod's address where it has a network that others reach; or a mark, while that is not known. */
  readonly podIp?: string;
  /** All of them, with commas between them. */
  readonly podIps?: string;
}

export const NO_VALUES: Values = { objects: new Map(), uid: "", overrides: new Map() };

/** Of a machine of which nothing was told. */
const UNKNOWN = { cpus: 1, memoryBytes: 1024 ** 3 };
/** A pod with a network of its own has no other address: its containers reach each other there. */
const LOOPBACK = "127.0.0.1";

export interface FieldContext {
  readonly manifest: Manifest;
  readonly facts: HostFacts;
  readonly values: Values;
  readonly isHostNetwork: boolean;
}

/** Of a checked path. Nothing is said of a label or annotation that is not there, as in Kubernetes. */
export function makeFieldValue(path: string, { manifest, facts, values, isHostNetwork }: FieldContext): string {
  const { metadata } = manifest;
  const subscript = parseSubscript(path);
  if (subscript !== undefined) return metadata[subscript.map][subscript.key] ?? "";
  switch (path) {
    case "metadata.name":
      return metadata.name;
    case "metadata.namespace":
      return metadata.namespace;
    case "metadata.uid":
      return values.uid;
    case "metadata.labels":
    case "metadata.annotations":
      return formatMap(metadata[path === "metadata.labels" ? "labels" : "annotations"]);
    case "spec.nodeName":
      return facts.hostname ?? "";
    case "status.hostIP":
    case "status.hostIPs":
      return facts.address ?? LOOPBACK;
    default: {
      const own = path === "status.podIPs" ? (values.podIps ?? values.podIp) : values.podIp;
      return isHostNetwork ? (facts.address ?? LOOPBACK) : (own ?? LOOPBACK);
    }
  }
}

/** One `key="value"` a line, as Kubernetes writes labels into a file: values as literals of Go. */
function formatMap(map: Readonly<Record<string, string>>): string {
  return Object.keys(map)
    .sort()
    .map((key) => `${key}=${quoteAsGo(map[key] ?? "")}`)
    .join("\n");
}

const GO_ESCAPES: Readonly<Record<string, string>> = {
  "\u0007": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  '"': '\\"',
  "\\": "\\\\",
};

function quoteAsGo(text: string): string {
  const inner = text.replace(/["\\]|[\p{C}\p{Z}]/gu, (sign) => {
    if (sign === " ") return sign;
    const code = sign.codePointAt(0) ?? 0;
    const hex = (digits: number) => code.toString(16).padStart(digits, "0");
    return GO_ESCAPES[sign] ?? (code < 0x80 ? `\\x${hex(2)}` : code > 0xffff ? `\\U${hex(8)}` : `\\u${hex(4)}`);
  });
  return `"${inner}"`;
}

/** Rounded up to whole units. A limit that is not set is what the machine has; a request that is not set is 0. */
export function makeResourceValue({ resource, written, divisor }: ResourceSource, facts: HostFacts): string {
  const amount = written ?? defaultOf(resource, facts);
  const [quantity, unit] = [parseQuantity(amount), parseQuantity(divisor)];
  return quantity === undefined || unit === undefined ? "0" : String(divideUp(quantity, unit));
}

function defaultOf(resource: string, facts: HostFacts): string {
  if (resource === "limits.cpu") return String(facts.cpus ?? UNKNOWN.cpus);
  if (resource === "limits.memory") return String(facts.memoryBytes ?? UNKNOWN.memoryBytes);
  return "0";
}

function divideUp(amount: Quantity, unit: Quantity): bigint {
  const tens = amount.tens - unit.tens;
  const above = amount.digits * 10n ** BigInt(Math.max(tens, 0));
  const below = unit.digits * 10n ** BigInt(Math.max(-tens, 0));
  return (above + below - 1n) / below;
}
