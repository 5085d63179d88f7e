import t from "tap";
import { makeBar, makeSparkline } from "../../../../../src/doors/cli/top/graphs.ts";

t.test("a bar is as full as its share, to an eighth of a cell", async (t) => {
  t.equal(makeBar(0, 4), "····");
  t.equal(makeBar(0.5, 4), "██··");
  t.equal(makeBar(0.28, 4), "█▏··");
  t.equal(makeBar(7, 4), "████");
  t.equal(makeBar(Number.NaN, 4), "····");
});

t.test("a sparkline ends with the newest value", async (t) => {
  t.equal(makeSparkline([0, 50, 100], 5, 100), "  ▁▄█");
  t.equal(makeSparkline([1, 2, 4, 8], 2), "▄█");
  t.equal(makeSparkline([], 3), "   ");
  t.equal(makeSparkline([10], 1, 1000), "▁");
});
