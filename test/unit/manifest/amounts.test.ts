import t from "tap";
import { parseBytes, parseCpuMilli } from "../../../src/manifest/amounts.ts";

t.test("cpu is thousandths of a core", async (t) => {
  for (const [written, value] of [
    ["500m", 500],
    ["2", 2000],
    [2, 2000],
    [0.5, 500],
    ["1e1", 10_000],
    ["0.001", 1],
  ] as const) {
    t.strictSame(parseCpuMilli(written), { value }, String(written));
  }
});

t.test("memory is bytes", async (t) => {
  for (const [written, value] of [
    ["64Mi", 67_108_864],
    ["1G", 1e9],
    [4096, 4096],
    ["1.5Ki", 1536],
    ["2000m", 2],
  ] as const) {
    t.strictSame(parseBytes(written), { value }, String(written));
  }
});

t.test("what is no amount says why", async (t) => {
  t.strictSame(parseCpuMilli("0.0001"), { fault: "must be whole thousandths of a core: 1m is the least" });
  t.strictSame(parseCpuMilli("0"), { fault: "must be more than 0; leave it out for no limit" });
  t.strictSame(parseCpuMilli("-1"), { fault: "must be more than 0; leave it out for no limit" });
  t.strictSame(parseCpuMilli("0", "request"), { value: 0 });
  t.strictSame(parseBytes("0", "request"), { value: 0 });
  t.strictSame(parseBytes("-1", "request"), { fault: "must not be less than 0" });
  t.match(parseCpuMilli("two"), { fault: /^must be a quantity/ });
  t.strictSame(parseBytes("64m"), { fault: "must be whole bytes; m means thousandths: did you mean 64Mi?" });
  t.strictSame(parseBytes("1.5"), { fault: "must be whole bytes" });
  t.strictSame(parseBytes("100Ei"), { fault: "is too large" });
});
