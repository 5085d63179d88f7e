// Sizes in words and back: `12.3MiB`; `64m` as podman and runc take it, `64Mi` as Kubernetes does. Pure.

import { PeapodError } from "../../base/errors.ts";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** At most seven characters; `-` where nobody knows. */
export function makeSize(bytes: number | null): string {
  if (bytes === null) return "-";
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < UNITS.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${size >= 10 || unit === 0 ? Math.round(size) : size.toFixed(1)}${UNITS[unit]}`;
}

const FACTORS: Readonly<Record<string, number>> = { "": 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** Bytes; -1 where it says `-1`. @throws BAD_USAGE that names the option */
export function parseSize(option: string, text: string): number {
  if (text === "-1") return -1;
  const [, number, unit = ""] =
    /^(\d{1,15}(?:\.\d{1,6})?)([bkmgtBKMGT]?)(?:i?[bB])?$/.exec(text.replace(/([KMGT])i$/, "$1")) ?? [];
  const bytes = Math.floor(Number(number) * (FACTORS[unit.toLowerCase()] ?? Number.NaN));
  if (Number.isSafeInteger(bytes)) return bytes;
  throw new PeapodError(
    "BAD_USAGE",
    `option --${option}: ${JSON.stringify(text)} is not a size, such as 64m, 1g or 64Mi`,
  );
}
