// The last line of scripts/test is true.

import t from "tap";
import { parseReport } from "../../../scripts/tap-report.ts";

const TAP = `TAP version 14
# Subtest: a pod starts
    ok 1 - it is running
    ok 2 - with crun # SKIP crun is not there
    1..2
ok 1 - a pod starts # time=3.613ms

ok 2 - a pod on cgroup v2 # SKIP this machine has v1
# Subtest: a pod ends
    ok 1 - it was there
    not ok 2 - should be equal
      ---
      diff: |
        -2
        +1
      ...
    1..2
not ok 3 - a pod ends # time=14.465ms
ok 4 - some day # TODO
1..4
`;

t.test("sentences are counted, not what is asserted in them", async (t) => {
  const report = parseReport(TAP, "", 1);
  t.equal(report.passed, 1);
  t.equal(report.failures.length, 1);
  t.same(report.skips, ["with crun (crun is not there)", "a pod on cgroup v2 (this machine has v1)"]);
});

t.test("a failure is told with its reason and without what passed", async (t) => {
  const [failure = ""] = parseReport(TAP, "", 1).failures;
  t.match(failure, /^a pod ends\n/);
  t.match(failure, /\+1/);
  t.notMatch(failure, /it was there/);
});

t.test("a file that dies without a failed test has failed", async (t) => {
  const report = parseReport("TAP version 14\n", "SyntaxError: no\n", 1);
  t.equal(report.failures.length, 1);
  t.match(report.failures[0], /SyntaxError/);
  t.equal(parseReport("TAP version 14\nok 1 - a\n", "", "SIGKILL").failures.length, 1);
});

t.test("a file without tests has failed too", async (t) => {
  t.same(parseReport("TAP version 14\n1..0\n", "", 0).failures, ["has no tests"]);
});
