// update: the options as one change, for containers or the pod.

import { readFileSync } from "node:fs";
import { PeapodError } from "../../../base/errors.ts";
import type { ResourceChange } from "../../../engine/engine.ts";
import { assertChange } from "../assert-change.ts";
import { EXIT } from "../exit-codes.ts";
import type { Options } from "../options.ts";
import { parseOciResources } from "../parse-oci-resources.ts";
import { parseSize } from "../size-words.ts";
import { containersOf, podOf, type Task } from "../task.ts";
import { untilInterrupted } from "./until-interrupted.ts";

const PERIOD_US = 100_000;

/** What of a change an option stands for. */
const OPTIONS: Partial<Readonly<Record<keyof ResourceChange, string>>> = {
  cpuShares: "cpu-shares",
  cpuQuotaUs: "cpu-quota",
  cpuPeriodUs: "cpu-period",
  cpusetCpus: "cpuset-cpus",
  cpusetMems: "cpuset-mems",
  memoryLimitBytes: "memory",
  memoryReservationBytes: "memory-reservation",
  memorySwapBytes: "memory-swap",
  pidsLimit: "pids-limit",
  blkioWeight: "blkio-weight",
};

export async function update(task: Task): Promise<number> {
  if (task.options.has("filename")) {
    if (
      containersOf(task).length > 0 ||
      task.options.has("resources") ||
      Object.keys(parseChange(task.options)).length > 0
    )
      throw new PeapodError("BAD_USAGE", "update: -f is about the whole pod, and says all of it");
    return await (await import("./update-members.ts")).updateMembers(task);
  }
  if (task.options.list("configmap").length > 0)
    throw new PeapodError("BAD_USAGE", "option --configmap: belongs to a manifest, which -f names");
  const pod = podOf(task);
  const file = task.options.text("resources");
  const resources = { ...(file === undefined ? {} : readChange(task, file)), ...parseChange(task.options) };
  if (Object.keys(resources).length === 0)
    throw new PeapodError("BAD_USAGE", `pod ${pod}: nothing is to be changed`, { hint: "peapod help update" });
  const client = (await task.engine()).client(pod);
  const request = { containers: containersOf(task), resources };
  return (await untilInterrupted(task, pod, () => client.update(request))) ?? EXIT.ok;
}

function readChange(task: Task, file: string): ResourceChange {
  if (file === "-") return parseOciResources(file, task.world.readStdin());
  try {
    return parseOciResources(file, readFileSync(file, "utf8"));
  } catch (cause) {
    if (cause instanceof PeapodError) throw cause;
    throw new PeapodError("NOT_FOUND", `resources ${file}: cannot be read`, { cause });
  }
}

/** @throws BAD_USAGE */
export function parseChange(options: Options): ResourceChange {
  const cpus = options.text("cpus");
  const quota = options.text("cpu-quota");
  const period = options.number("cpu-period");
  if (cpus !== undefined && (quota !== undefined || period !== undefined))
    throw new PeapodError("BAD_USAGE", "option --cpus: says what --cpu-quota and --cpu-period say");
  const change: { [K in keyof ResourceChange]: ResourceChange[K] | undefined } = {
    cpuShares: options.number("cpu-shares"),
    cpuQuotaUs: cpus === undefined ? wholeOrNone("cpu-quota", quota) : parseCpus(cpus),
    cpuPeriodUs: cpus === undefined || parseCpus(cpus) < 0 ? period : PERIOD_US,
    cpusetCpus: options.text("cpuset-cpus"),
    cpusetMems: options.text("cpuset-mems"),
    memoryLimitBytes: sizeOf(options, "memory"),
    memoryReservationBytes: sizeOf(options, "memory-reservation"),
    memorySwapBytes: sizeOf(options, "memory-swap"),
    pidsLimit: wholeOrNone("pids-limit", options.text("pids-limit")),
    blkioWeight: options.number("blkio-weight"),
  };
  const said: ResourceChange = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
  assertChange(said, (key) => `option --${OPTIONS[key] ?? key}:`);
  return said;
}

/** Microseconds of a period; -1 for 0, which in podman's words is no limit. */
function parseCpus(text: string): number {
  const cpus = /^\d{1,5}(\.\d{1,4})?$/.test(text) ? Number(text) : Number.NaN;
  if (cpus === 0) return -1;
  if (cpus >= 0.01) return Math.round(cpus * PERIOD_US);
  throw new PeapodError(
    "BAD_USAGE",
    `option --cpus: ${JSON.stringify(text)} is not a number of processors, such as 1.5`,
  );
}

function wholeOrNone(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (text === "-1" || /^[1-9]\d{0,14}$/.test(text)) return Number(text);
  const isWhole = /^-?\d+$/.test(text);
  const message = isWhole ? "must be 1 or more, or -1 for no limit" : `${JSON.stringify(text)} is not a whole number`;
  throw new PeapodError("BAD_USAGE", `option --${option}: ${message}`);
}

function sizeOf(options: Options, option: string): number | undefined {
  const text = options.text(option);
  if (text === undefined) return undefined;
  const bytes = parseSize(option, text);
  // podman's word for no limit.
  if (bytes === 0 && option !== "memory-reservation") return -1;
  if (bytes < 0 && option === "memory-reservation") return 0;
  return bytes;
}
