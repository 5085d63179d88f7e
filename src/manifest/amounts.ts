// CPU and memory amounts of a manifest as numbers that the kernel takes, or the reason why they are none.

import type { Quantity } from "./quantity.ts";
import { countUnits, parseQuantity } from "./quantity.ts";

export type Amount = { readonly value: number } | { readonly fault: string };

/** `request`: may be nothing, since one that is not written is the limit. */
export type AmountKind = "limit" | "request";

/** Thousandths of a core. */
export function parseCpuMilli(written: string | number, kind: AmountKind = "limit"): Amount {
  const quantity = readQuantity(written, kind);
  if ("fault" in quantity) return quantity;
  const milli = countUnits(quantity, 3);
  if (milli === undefined) return { fault: "must be whole thousandths of a core: 1m is the least" };
  return asNumber(milli);
}

/** Whole bytes. */
export function parseBytes(written: string | number, kind: AmountKind = "limit"): Amount {
  const quantity = readQuantity(written, kind);
  if ("fault" in quantity) return quantity;
  const bytes = countUnits(quantity, 0);
  if (bytes !== undefined) return asNumber(bytes);
  const meant = /^[0-9]+m$/.test(String(written))
    ? `; m means thousandths: did you mean ${String(written).slice(0, -1)}Mi?`
    : "";
  return { fault: `must be whole bytes${meant}` };
}

function readQuantity(written: string | number, kind: AmountKind): Quantity | { readonly fault: string } {
  const quantity = parseQuantity(String(written));
  if (quantity === undefined) {
    return {
      fault: "must be a quantity: a number and one of m, k, M, G, T, P, E, Ki, Mi, Gi, Ti, Pi, Ei, or no suffix",
    };
  }
  if (kind === "limit" && quantity.digits <= 0n) return { fault: "must be more than 0; leave it out for no limit" };
  if (quantity.digits < 0n) return { fault: "must not be less than 0" };
  return quantity;
}

function asNumber(units: bigint): Amount {
  return units <= BigInt(Number.MAX_SAFE_INTEGER) ? { value: Number(units) } : { fault: "is too large" };
}
