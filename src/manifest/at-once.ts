// What containers need of something at the same time, by Kubernetes' arithmetic. Pure.

/** `role`: `main`, `pause`, `sidecar` or `init`. In the order in which they are started. */
export interface Share {
  readonly role: string;
  readonly amount: number;
}

/** The containers that run together, or an init container beside the sidecars that were started before it, whichever is more. */
export function mostAtOnce(shares: readonly Share[]): number {
  let sidecars = 0;
  let peak = 0;
  for (const { role, amount } of shares) {
    if (role === "sidecar") sidecars += amount;
    else if (role === "init") peak = Math.max(peak, sidecars + amount);
  }
  const running = shares.filter(({ role }) => role !== "init").reduce((sum, { amount }) => sum + amount, 0);
  return Math.max(peak, running);
}
