// What an update may change of limits, and what it comes to together with what stands already. Pure.

import { PeapodError } from "../base/errors.ts";
import { PERIOD_US } from "./cpu-shares.ts";
import type { PlannedResources } from "./plan.ts";

/** Amounts as they shall be; what is not named stays. -1 takes a limit away, 0 a reservation. */
export type ResourceChange = Partial<
  Pick<
    PlannedResources,
    | "cpuShares"
    | "cpuQuotaUs"
    | "cpuPeriodUs"
    | "cpusetCpus"
    | "cpusetMems"
    | "memoryLimitBytes"
    | "memoryReservationBytes"
    | "memorySwapBytes"
    | "pidsLimit"
    | "blkioWeight"
    | "oomGroup"
  >
>;

type Limits = Partial<PlannedResources>;

/**
 * The change as it has to be: swap goes with memory (as much of it as there was), a quota with its period.
 * @throws BAD_USAGE for amounts that contradict each other; `whose`: `container web`
 */
export function completeChange(
  whose: string,
  old: Limits,
  change: ResourceChange,
  limitsSwap: boolean,
): ResourceChange {
  const { memoryLimitBytes: limit } = change;
  const swap =
    limit === undefined || !limitsSwap ? change.memorySwapBytes : (change.memorySwapBytes ?? followSwap(old, limit));
  const reserved = old.memoryReservationBytes ?? 0;
  const hasQuota =
    change.cpuQuotaUs !== undefined || (change.cpuPeriodUs !== undefined && old.cpuQuotaUs !== undefined);
  const complete: ResourceChange = {
    ...change,
    ...(swap === undefined ? {} : { memorySwapBytes: swap }),
    // A reservation that nobody speaks of gives way: mostly it was the limit itself.
    ...(change.memoryReservationBytes === undefined && limit !== undefined && limit >= 0 && reserved > limit
      ? { memoryReservationBytes: limit }
      : {}),
    ...(hasQuota
      ? {
          cpuQuotaUs: change.cpuQuotaUs ?? old.cpuQuotaUs,
          cpuPeriodUs: change.cpuPeriodUs ?? old.cpuPeriodUs ?? PERIOD_US,
        }
      : {}),
  };
  assertPossible(whose, { ...old, ...complete });
  return complete;
}

/** Fields that `old` has and `next` has not, as the values that take them away; the rest as `next` has it. */
export function makeReplacement(old: Limits, next: Limits): Limits {
  const none: Limits = {
    cpuShares: 1024,
    cpuQuotaUs: -1,
    memoryLimitBytes: -1,
    memoryReservationBytes: 0,
    memorySwapBytes: -1,
    pidsLimit: -1,
    blkioWeight: 100,
    oomGroup: false,
  };
  const gone = Object.entries(none).filter(
    ([key]) => old[key as keyof Limits] !== undefined && next[key as keyof Limits] === undefined,
  );
  return { ...Object.fromEntries(gone), ...next };
}

function followSwap(old: Limits, limit: number): number | undefined {
  const { memorySwapBytes: swap, memoryLimitBytes: before } = old;
  if (limit < 0) return -1;
  if (swap === -1) return before !== undefined && before >= 0 ? -1 : limit;
  return swap === undefined || before === undefined ? limit : limit + Math.max(0, swap - before);
}

function assertPossible(whose: string, { memoryLimitBytes, memorySwapBytes, memoryReservationBytes }: Limits): void {
  const bad = (message: string) => {
    throw new PeapodError("BAD_USAGE", `${whose}: ${message}`);
  };
  const isLimited = memoryLimitBytes !== undefined && memoryLimitBytes >= 0;
  if (memorySwapBytes !== undefined && memorySwapBytes >= 0) {
    if (!isLimited) bad("a limit on swap needs one on memory");
    else if (memorySwapBytes < memoryLimitBytes)
      bad("the limit on swap is memory and swap together, so it must not be less than the limit on memory");
  }
  if (isLimited && (memoryReservationBytes ?? 0) > memoryLimitBytes)
    bad("the reservation must not be more than the limit on memory");
}
