// Kubernetes quantities (100m, 1.5, 64Mi, 1G, 1e3), exactly: no floating point.
// Grammar: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/

/** `digits` × 10^`tens`. */
export interface Quantity {
  readonly digits: bigint;
  readonly tens: number;
}

const NUMBER = /^([+-]?)([0-9]*)(?:(\.)([0-9]*))?(.*)$/s;
const DECIMAL: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, "": 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const BINARY: Readonly<Record<string, bigint>> = { Ki: 10n, Mi: 20n, Gi: 30n, Ti: 40n, Pi: 50n, Ei: 60n };

/** 1e999999999 would be a number of a billion digits. */
const MAX_EXPONENT = 64;
const MAX_LENGTH = 64;

/** The quantity that a text says, or undefined where it says none. */
export function parseQuantity(text: string): Quantity | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const [, sign, whole = "", , fraction = "", suffix = ""] = NUMBER.exec(text) ?? [];
  if (whole === "" && fraction === "") return undefined;
  const magnitude = BigInt(whole + fraction);
  const digits = sign === "-" ? -magnitude : magnitude;
  const power = Object.hasOwn(BINARY, suffix) ? BINARY[suffix] : undefined;
  if (power !== undefined) return { digits: digits << power, tens: -fraction.length };
  const exponent = exponentOf(suffix);
  return exponent === undefined ? undefined : { digits, tens: exponent - fraction.length };
}

function exponentOf(suffix: string): number | undefined {
  if (Object.hasOwn(DECIMAL, suffix)) return DECIMAL[suffix];
  const [, written] = /^[eE]([+-]?[0-9]+)$/.exec(suffix) ?? [];
  if (written === undefined) return undefined;
  const exponent = Number(written);
  return Math.abs(exponent) <= MAX_EXPONENT ? exponent : undefined;
}

/** How many 10^-`places` it is (places 3: thousandths); undefined where that is not a whole number. */
export function countUnits({ digits, tens }: Quantity, places: number): bigint | undefined {
  const shift = tens + places;
  if (shift >= 0) return digits * 10n ** BigInt(shift);
  const divisor = 10n ** BigInt(-shift);
  return digits % divisor === 0n ? digits / divisor : undefined;
}
