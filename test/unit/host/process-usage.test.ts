import t from "tap";
import { parseCounters, readProcessUsage } from "../../../src/host/process-usage.ts";

t.test("a name with brackets and spaces does not move the fields", async (t) => {
  const fields = "S 1 2 2 0 -1 4194304 100 0 0 0 11 22 33 44 20 0 7 0 999 1000000 321 18446744073709551615";
  t.same(parseCounters(`42 (a) b (c) ${fields}`), { ticks: 110, threads: 7, pages: 321 });
});

t.test("we ourselves use something; who is gone uses nothing", async (t) => {
  const usage = readProcessUsage([process.pid, 2 ** 22 + 1]);
  t.ok((usage?.memoryBytes ?? 0) > 1_000_000);
  t.ok((usage?.pids ?? 0) >= 1);
  t.equal(usage?.memoryLimitBytes, undefined);
  t.equal(readProcessUsage([2 ** 22 + 1]), undefined);
});
