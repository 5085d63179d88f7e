// The limits that Kubernetes has no field for, from annotations: of the pod, or of one container by its name behind a
// dot. Text to data; the kernel's own rules (which processors there are) are left to the kernel.

import type { HostFacts } from "../host/facts.ts";
import { parseBytes } from "../manifest/amounts.ts";
import type { ResourceAnnotation } from "../manifest/annotations.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { annotationPointer, refuse } from "./annotations.ts";
import { canGroupOom } from "./host-limits.ts";
import type { DeviceLimit, PlannedResources, Reason } from "./plan.ts";
import { manifestReason } from "./where.ts";

type Limits = Partial<PlannedResources>;
type Fault = (message: string, hint?: string) => never;
type Parse = (text: string, fault: Fault, facts: HostFacts) => Limits;

const DEVICE_KINDS = {
  "peapod/deviceReadBps": "readBps",
  "peapod/deviceWriteBps": "writeBps",
  "peapod/deviceReadIops": "readIops",
  "peapod/deviceWriteIops": "writeIops",
} as const;

const PARSERS: Readonly<Record<Exclude<ResourceAnnotation, keyof typeof DEVICE_KINDS>, Parse>> = {
  "peapod/pidsLimit": (text, fault) => ({ pidsLimit: isUnlimited(text) ? -1 : parseWhole(text, 1, 4_194_304, fault) }),
  "peapod/cpusetCpus": (text, fault) => ({ cpusetCpus: parseList(text, fault) }),
  "peapod/cpusetMems": (text, fault) => ({ cpusetMems: parseList(text, fault) }),
  "peapod/memorySwap": (text, fault, facts) => {
    if (facts.limitsSwap === false) throw fault("this kernel does not bound swap", "boot with swapaccount=1");
    return { memorySwapBytes: isUnlimited(text) ? -1 : parseSize(text, fault) };
  },
  "peapod/memoryOomGroup": (text, fault, facts) => {
    if (text !== "true" && text !== "false") throw fault(`${text || "nothing"} is neither true nor false`);
    if (text === "true" && !canGroupOom(facts))
      throw fault(
        "cgroup version 1 kills one process at a time",
        "boot with systemd.unified_cgroup_hierarchy=1 for version 2, or leave it out",
      );
    return { oomGroup: text === "true" };
  },
  "peapod/blkioWeight": (text, fault) => ({ blkioWeight: parseWhole(text, 10, 1000, fault) }),
};

/** `container`: undefined for the pod itself. @throws BAD_MANIFEST, HOST_LACKS; each names the annotation's line */
export function parseResourceAnnotations(
  manifest: Manifest,
  container: string | undefined,
  facts: HostFacts,
): { readonly limits: Limits; readonly reasons: Readonly<Record<string, Reason>> } {
  const limits: Record<string, unknown> = {};
  const reasons: Record<string, Reason> = {};
  const devices: DeviceLimit[] = [];
  const read = (annotation: string, use: (text: string, fault: Fault) => Limits) => {
    const name = container === undefined ? annotation : `${annotation}.${container}`;
    const text = manifest.metadata.annotations[name]?.trim();
    if (text === undefined) return;
    const fault: Fault = (message, hint) => {
      const code = hint?.startsWith("boot") ? "HOST_LACKS" : "BAD_MANIFEST";
      throw refuse(code, manifest, name, message, hint);
    };
    for (const [field, value] of Object.entries(use(text, fault))) {
      limits[field] = value;
      reasons[`resources.${field}`] = manifestReason(manifest, annotationPointer(name));
    }
  };
  for (const [annotation, parse] of Object.entries(PARSERS))
    read(annotation, (text, fault) => parse(text, fault, facts));
  for (const [annotation, kind] of Object.entries(DEVICE_KINDS)) {
    read(annotation, (text, fault) => {
      for (const item of text.split(",")) devices.push(parseDevice(item.trim(), kind, facts, fault));
      return { blkioDevices: devices };
    });
  }
  return { limits, reasons };
}

function isUnlimited(text: string): boolean {
  return text === "-1" || text === "unlimited";
}

function parseWhole(text: string, least: number, most: number, fault: Fault): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw fault(`${text || "nothing"} is not a whole number from ${least} to ${most}`);
}

function parseSize(text: string, fault: Fault): number {
  const amount = parseBytes(text);
  if ("value" in amount) return amount.value;
  throw fault(`${text || "nothing"} ${amount.fault}`);
}

function parseList(text: string, fault: Fault): string {
  if (/^\d{1,5}(-\d{1,5})?(,\d{1,5}(-\d{1,5})?)*$/.test(text)) return text;
  throw fault(`${text || "nothing"} is not a list such as 0-2,5`);
}

/** `/dev/sda:10Mi` or `8:0:10Mi`. */
function parseDevice(item: string, kind: DeviceLimit["kind"], facts: HostFacts, fault: Fault): DeviceLimit {
  const at = item.lastIndexOf(":");
  const device = at < 0 ? item : item.slice(0, at);
  const rate = parseSize(at < 0 ? "" : item.slice(at + 1), (message) =>
    fault(`${item || "an empty item"} is not DEVICE:RATE: ${message}`),
  );
  const numbers = /^(\d{1,4}):(\d{1,7})$/.exec(device);
  if (numbers !== null) return { kind, major: Number(numbers[1]), minor: Number(numbers[2]), rate };
  const found = facts.devices?.find((one) => one.path === device && one.type === "b");
  if (found !== undefined) return { kind, major: found.major, minor: found.minor, rate };
  throw fault(
    `${device || "nothing"} is no block device of this machine`,
    "name it as below /dev, or as MAJOR:MINOR; lsblk shows them",
  );
}
