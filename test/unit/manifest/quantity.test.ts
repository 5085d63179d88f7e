import fc from "fast-check";
import t from "tap";
import { countUnits, parseQuantity } from "../../../src/manifest/quantity.ts";

t.test("quantities are read as Kubernetes writes them", async (t) => {
  for (const [text, milli] of [
    ["0", 0n],
    ["1", 1000n],
    ["+1", 1000n],
    ["-1", -1000n],
    ["100m", 100n],
    ["1.5", 1500n],
    [".5", 500n],
    ["2.", 2000n],
    ["1k", 1_000_000n],
    ["1Ki", 1_024_000n],
    ["1.5Gi", 1_610_612_736_000n],
    ["0.5Mi", 524_288_000n],
    ["1M", 10n ** 9n],
    ["1e3", 10n ** 6n],
    ["1E3", 10n ** 6n],
    ["1E", 10n ** 21n],
    ["1Ei", 1000n << 60n],
    ["12e-3", 12n],
    ["5e+2", 500_000n],
    ["1000000u", 1000n],
    ["1000000n", 1n],
    ["0.001", 1n],
  ] as const) {
    const quantity = parseQuantity(text);
    t.equal(quantity && countUnits(quantity, 3), milli, text);
  }
});

t.test("what is finer than the unit is not rounded but told", async (t) => {
  for (const text of ["0.0001", "1u", "1n", "1e-4"]) {
    const quantity = parseQuantity(text);
    t.not(quantity, undefined, text);
    t.equal(quantity && countUnits(quantity, 3), undefined, text);
  }
});

t.test("other texts are no quantities", async (t) => {
  for (const text of [
    "",
    " ",
    ".",
    "-",
    "m",
    "Mi",
    "1 Mi",
    "1mi",
    "1K",
    "1KB",
    "1kB",
    "1ki",
    "1e",
    "1e1.5",
    "1e3Mi",
    "--1",
    "1,5",
    "0x10",
    "1_000",
    "Infinity",
    "NaN",
    "1\n",
    "1e999999999",
    "1e-999999999",
    "9".repeat(65),
    "constructor",
    "1constructor",
    "1toString",
  ]) {
    t.equal(parseQuantity(text), undefined, JSON.stringify(text));
  }
});

const SUFFIXES: Readonly<Record<string, readonly [bigint, bigint]>> = {
  n: [1n, 10n ** 9n],
  u: [1n, 10n ** 6n],
  m: [1n, 1000n],
  "": [1n, 1n],
  k: [1000n, 1n],
  M: [10n ** 6n, 1n],
  G: [10n ** 9n, 1n],
  Ki: [1n << 10n, 1n],
  Mi: [1n << 20n, 1n],
  Gi: [1n << 30n, 1n],
  Ti: [1n << 40n, 1n],
  e4: [10n ** 4n, 1n],
  "E-2": [1n, 100n],
};

t.test("every quantity equals the exact fraction that it spells", async (t) => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: 10n ** 15n }),
      fc.stringMatching(/^[0-9]{0,6}$/),
      fc.constantFrom(...Object.keys(SUFFIXES)),
      fc.integer({ min: 0, max: 12 }),
      (whole, fraction, suffix, places) => {
        const quantity = parseQuantity(`${whole}.${fraction}${suffix}`);
        const [times, by] = SUFFIXES[suffix] as readonly [bigint, bigint];
        const numerator =
          (whole * 10n ** BigInt(fraction.length) + BigInt(fraction || "0")) * times * 10n ** BigInt(places);
        const denominator = 10n ** BigInt(fraction.length) * by;
        const expected = numerator % denominator === 0n ? numerator / denominator : undefined;
        return quantity !== undefined && countUnits(quantity, places) === expected;
      },
    ),
  );
  t.pass();
});

t.test("whole thousandths survive being written and read again", async (t) => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }), (milli) => {
      const quantity = parseQuantity(`${milli}m`);
      return quantity !== undefined && countUnits(quantity, 3) === milli;
    }),
  );
  t.pass();
});
