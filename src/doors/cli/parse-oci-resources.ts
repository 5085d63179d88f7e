// OCI's LinuxResources, the file of `runc update -r`, as a change of limits. Strict: what would not be done is refused.

import { PeapodError } from "../../base/errors.ts";
import type { ResourceChange } from "../../engine/engine.ts";
import { assertChange } from "./assert-change.ts";

type Key = keyof ResourceChange;

/** Path in the file to our word, and its type. */
const FIELDS: Readonly<Record<string, readonly [Key, "number" | "string"]>> = {
  "cpu.shares": ["cpuShares", "number"],
  "cpu.quota": ["cpuQuotaUs", "number"],
  "cpu.period": ["cpuPeriodUs", "number"],
  "cpu.cpus": ["cpusetCpus", "string"],
  "cpu.mems": ["cpusetMems", "string"],
  "memory.limit": ["memoryLimitBytes", "number"],
  "memory.reservation": ["memoryReservationBytes", "number"],
  "memory.swap": ["memorySwapBytes", "number"],
  "pids.limit": ["pidsLimit", "number"],
  "blockIO.weight": ["blkioWeight", "number"],
};

const GROUPS = new Set([...Object.keys(FIELDS).map((path) => path.split(".")[0]), "unified"]);

/** @throws BAD_USAGE that names the field */
export function parseOciResources(file: string, text: string): ResourceChange {
  const change = readFields(file, text);
  assertChange(change, (key) => {
    const path = Object.keys(FIELDS).find((each) => FIELDS[each]?.[0] === key);
    return `resources ${file}: ${path ?? key}`;
  });
  return change;
}

function readFields(file: string, text: string): ResourceChange {
  const change: Record<string, unknown> = {};
  for (const [group, inner] of Object.entries(asObject(file, "", parseJson(file, text)))) {
    if (!GROUPS.has(group)) throw unknown(file, group);
    for (const [name, value] of Object.entries(asObject(file, group, inner))) {
      const path = `${group}.${name}`;
      if (path === "unified.memory.oom.group" && (value === "0" || value === "1")) {
        change.oomGroup = value === "1";
        continue;
      }
      const [key, type] = FIELDS[path] ?? [];
      if (key === undefined) throw unknown(file, path);
      if (typeof value !== type) throw bad(file, `${path} must be a ${type}`);
      // As in runc's own file: 0, or an empty list, leaves it as it is.
      if (value !== 0 && value !== "") change[key] = value;
    }
  }
  return change as ResourceChange;
}

function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new PeapodError("BAD_USAGE", `resources ${file}: is not JSON`, { cause });
  }
}

function asObject(file: string, path: string, value: unknown): object {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw bad(file, `${path || "the whole"} must be an object`);
}

function unknown(file: string, path: string): PeapodError {
  return bad(file, `${path} is unknown or cannot be changed; allowed: ${Object.keys(FIELDS).join(", ")}`);
}

function bad(file: string, message: string): PeapodError {
  return new PeapodError("BAD_USAGE", `resources ${file}: ${message}`);
}
