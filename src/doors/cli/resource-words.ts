// A change of limits in words: `memory 64MiB, processors 1.5`. Pure.

import type { ResourceChange } from "../../engine/engine.ts";
import { makeSize } from "./size-words.ts";

type Amounts = { readonly [K in keyof ResourceChange]-?: NonNullable<ResourceChange[K]> };

const SAY: { readonly [K in keyof Amounts]: (value: Amounts[K]) => string } = {
  memoryLimitBytes: (bytes) => `memory ${sizeOrNone(bytes)}`,
  memorySwapBytes: (bytes) => `memory and swap ${sizeOrNone(bytes)}`,
  memoryReservationBytes: (bytes) => `memory reservation ${bytes <= 0 ? "none" : makeSize(bytes)}`,
  cpuQuotaUs: (us) => `cpu quota ${us < 0 ? "unlimited" : `${us} µs`}`,
  cpuPeriodUs: (us) => `cpu period ${us} µs`,
  cpuShares: (shares) => `cpu shares ${shares}`,
  cpusetCpus: (list) => `processors ${list}`,
  cpusetMems: (list) => `memory nodes ${list}`,
  pidsLimit: (count) => `processes ${count < 0 ? "unlimited" : count}`,
  blkioWeight: (weight) => `weight at disks ${weight}`,
  oomGroup: (isGroup) => `killed as a whole when out of memory: ${isGroup ? "yes" : "no"}`,
};

export function makeResourceWords(change: ResourceChange): string {
  return (Object.keys(SAY) as (keyof Amounts)[]).flatMap((key) => say(key, change)).join(", ");
}

function say<K extends keyof Amounts>(
  key: K,
  change: { readonly [P in keyof Amounts]?: Amounts[P] | undefined },
): string[] {
  const value: Amounts[K] | undefined = change[key];
  return value === undefined ? [] : [SAY[key](value)];
}

function sizeOrNone(bytes: number): string {
  return bytes < 0 ? "unlimited" : makeSize(bytes);
}
