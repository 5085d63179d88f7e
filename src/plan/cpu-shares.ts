// CPU amounts as cgroups take them, by Kubernetes' arithmetic.

/** The kernel's default period, which Kubernetes keeps. */
export const PERIOD_US = 100_000;
/** The kernel refuses less (Documentation/scheduler/sched-bwc). */
const LEAST_QUOTA_US = 1000;
const SHARES_PER_CPU = 1024;
export const LEAST_SHARES = 2;
const MOST_SHARES = 262_144;

export function makeShares(milli: number): number {
  return boundShares(Math.floor((milli * SHARES_PER_CPU) / 1000));
}

export function boundShares(shares: number): number {
  return Math.min(Math.max(shares, LEAST_SHARES), MOST_SHARES);
}

export function makeQuota(milli: number): number {
  return Math.max(Math.floor((milli * PERIOD_US) / 1000), LEAST_QUOTA_US);
}

/** Version 1's shares (2 to 262144) as version 2's weight (1 to 10000), linearly: as runc 1.1 and Kubernetes do it. */
export function makeWeight(shares: number): number {
  return 1 + Math.floor(((boundShares(shares) - 2) * 9999) / 262_142);
}
