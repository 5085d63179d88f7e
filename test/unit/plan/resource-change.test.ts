import t from "tap";
import { completeChange, makeReplacement } from "../../../src/plan/resource-change.ts";

t.test("swap goes with memory, a quota with its period, a reservation gives way", async (t) => {
  const of = (old: object, change: object) => completeChange("container web", old, change, true);
  t.same(of({ memoryLimitBytes: 100, memorySwapBytes: 100 }, { memoryLimitBytes: 200 }), {
    memoryLimitBytes: 200,
    memorySwapBytes: 200,
  });
  t.same(of({ memoryLimitBytes: 100, memorySwapBytes: 150 }, { memoryLimitBytes: 200 }).memorySwapBytes, 250);
  t.same(of({ memoryLimitBytes: 100, memorySwapBytes: -1 }, { memoryLimitBytes: 200 }).memorySwapBytes, -1);
  t.same(of({}, { memoryLimitBytes: 200 }).memorySwapBytes, 200);
  t.same(of({ memoryLimitBytes: 100, memorySwapBytes: 100 }, { memoryLimitBytes: -1 }).memorySwapBytes, -1);
  t.same(of({ memoryLimitBytes: -1, memorySwapBytes: -1 }, { memoryLimitBytes: 9 }).memorySwapBytes, 9);
  t.same(of({}, { cpuQuotaUs: 5000 }), { cpuQuotaUs: 5000, cpuPeriodUs: 100_000 });
  t.same(of({ cpuQuotaUs: 5000, cpuPeriodUs: 9000 }, { cpuPeriodUs: 8000 }), { cpuQuotaUs: 5000, cpuPeriodUs: 8000 });
  t.same(of({ memoryReservationBytes: 100 }, { memoryLimitBytes: 50 }).memoryReservationBytes, 50);
  t.same(
    completeChange("c", {}, { memoryLimitBytes: 5 }, false),
    { memoryLimitBytes: 5 },
    "a kernel that counts no swap",
  );
});

t.test("what contradicts itself is refused", async (t) => {
  const of = (old: object, change: object) => () => completeChange("container web", old, change, true);
  t.throws(of({ memoryLimitBytes: 100 }, { memorySwapBytes: 50 }), {
    code: "BAD_USAGE",
    message: /^container web: the limit on swap/,
  });
  t.throws(of({}, { memorySwapBytes: 50 }), { message: /needs one on memory/ });
  t.throws(of({ memoryLimitBytes: 100 }, { memoryReservationBytes: 101 }), {
    message: /the reservation must not be more/,
  });
});

t.test("what was there and is no more is taken away in the kernel's words", async (t) => {
  t.same(makeReplacement({ cpuQuotaUs: 5, memoryLimitBytes: 7, pidsLimit: 3 }, { pidsLimit: 4 }), {
    cpuQuotaUs: -1,
    memoryLimitBytes: -1,
    pidsLimit: 4,
  });
});
