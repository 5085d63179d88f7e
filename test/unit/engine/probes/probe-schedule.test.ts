import t from "tap";
import {
  beginTally,
  chooseProbes,
  makeFirstConditions,
  nextRunAt,
  type Verdict,
  weighResult,
} from "../../../../src/engine/probes/probe-schedule.ts";
import type { Probe, ProbeKind } from "../../../../src/manifest/probe.ts";

const PROBE: Probe = {
  handler: { kind: "exec", command: ["true"] },
  initialDelaySeconds: 0,
  periodSeconds: 10,
  timeoutSeconds: 1,
  successThreshold: 1,
  failureThreshold: 3,
};
const START = 1_000_000;

/** What each of a row of results (+ and -) leads to. */
function verdictsOf(kind: ProbeKind, results: string, more: Partial<Probe> = {}): (Verdict | undefined)[] {
  let tally = beginTally(kind);
  return [...results].map((result) => {
    const weighed = weighResult(kind, { ...PROBE, ...more }, tally, result === "+");
    tally = weighed.tally;
    return weighed.verdict;
  });
}
/** The same, with how many results there were before each verdict. */
function story(kind: ProbeKind, results: string, more: Partial<Probe> = {}): string {
  return verdictsOf(kind, results, more)
    .flatMap((verdict, index) => (verdict === undefined ? [] : [`${index + 1} ${verdict}`]))
    .join(", ");
}

// https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes
for (const [kind, results, more, expected, why] of [
  ["startup", "+", {}, "1 started", "one success starts"],
  ["startup", "--+", {}, "3 started", "failures below the threshold do nothing"],
  ["startup", "---", {}, "3 startup-failed", "the third failure in a row ends it"],
  ["startup", "-".repeat(30), { failureThreshold: 30 }, "30 startup-failed", "30 * 10 = 300 s to start"],
  ["liveness", "+++", {}, "", "it begins as a success, which tells nothing new"],
  ["liveness", "--+--+--", {}, "", "a success begins the count anew"],
  ["liveness", "+---", {}, "4 unhealthy", "three in a row"],
  ["liveness", "-----", {}, "3 unhealthy", "told once"],
  ["liveness", "-", { failureThreshold: 1 }, "1 unhealthy", "a threshold of one"],
  ["readiness", "+", {}, "1 ready", "not ready before its first success"],
  ["readiness", "---", {}, "", "unready it was from the beginning"],
  ["readiness", "+--+---+", {}, "1 ready, 7 unready, 8 ready", "there and back"],
  ["readiness", "+-++", { successThreshold: 2 }, "4 ready", "successes in a row count, too"],
  ["readiness", "++-+-++", { successThreshold: 2, failureThreshold: 1 }, "2 ready, 3 unready, 7 ready", "both"],
] as [ProbeKind, string, Partial<Probe>, string, string][]) {
  t.test(`${kind} ${results.slice(0, 10)}: ${why}`, async (t) => {
    t.equal(story(kind, results, more), expected);
  });
}

t.test("a probe runs first after its initial delay, then each period", async (t) => {
  const probe = { ...PROBE, initialDelaySeconds: 5, periodSeconds: 3 };
  t.equal(nextRunAt(probe, START), START + 5000);
  t.equal(nextRunAt(probe, START, START), START + 5000);
  t.equal(nextRunAt(probe, START, START + 4999), START + 5000);
  t.equal(nextRunAt(probe, START, START + 5000), START + 8000);
  t.equal(nextRunAt(probe, START, START + 5200), START + 8000);
  t.equal(nextRunAt(probe, START, START + 8000), START + 11_000);
  t.equal(nextRunAt(PROBE, START), START, "without a delay at once");
});

t.test("a run that is slower than its period passes over the instants that it missed", async (t) => {
  t.equal(nextRunAt(PROBE, START, START + 25_000), START + 30_000);
});

t.test("a supervisor that takes over keeps to the same grid", async (t) => {
  const probe = { ...PROBE, initialDelaySeconds: 1, periodSeconds: 7 };
  const grid = [0, 1, 2, 3].map((k) => START + 1000 + k * 7000);
  for (let after = START + 1000; after < START + 22_000; after += 500)
    t.ok(grid.includes(nextRunAt(probe, START, after)), `${after - START}`);
});

t.test("the other probes wait for the startup probe", async (t) => {
  const probes = { startup: PROBE, liveness: PROBE, readiness: PROBE };
  t.same(chooseProbes(probes, false), ["startup"]);
  t.same(chooseProbes(probes, true), ["liveness", "readiness"]);
  t.same(chooseProbes({ liveness: PROBE }, true), ["liveness"]);
  t.same(chooseProbes({}, true), []);
});

t.test("a container without probes has started and is ready at once", async (t) => {
  t.same(makeFirstConditions({}), { isStarted: true, isReady: true });
  t.same(makeFirstConditions({ liveness: PROBE }), { isStarted: true, isReady: true });
  t.same(makeFirstConditions({ readiness: PROBE }), { isStarted: true, isReady: false });
  t.same(makeFirstConditions({ startup: PROBE }), { isStarted: false, isReady: false });
});
