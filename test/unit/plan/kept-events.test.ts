import t from "tap";
import { aPlan } from "../../support/planning.ts";

const kept = (count?: string) =>
  aPlan({ annotations: count === undefined ? {} : { "peapod/keptEvents": count } }).keptEvents;

t.test("a number of events is taken as it is, none is left to the supervisor", async (t) => {
  t.equal(kept(), undefined);
  t.equal(kept("20"), 20);
  t.equal(kept(" 1000000 "), 1_000_000);
});

t.test("what is no such number is refused at its line", async (t) => {
  for (const count of ["", "0", "19", "1000001", "1e3", "-100", "all"]) {
    t.throws(
      () => kept(count),
      {
        code: "BAD_MANIFEST",
        message: /^annotation peapod\/keptEvents: must be a whole number from 20 to 1000000 \(pod.yaml:\d+/,
      },
      count,
    );
  }
});
