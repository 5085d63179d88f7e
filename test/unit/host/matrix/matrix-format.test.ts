import t from "tap";
import { diffMatrices, findCommonNamespaces } from "../../../../src/host/matrix/matrix-diff.ts";
import {
  formatCommon,
  formatDifference,
  formatMatrix,
  makeMatrixTable,
} from "../../../../src/host/matrix/matrix-format.ts";
import { aMatrix } from "./a-matrix.ts";

const SHOP = aMatrix({
  web: { net: 50, ipc: 60, uts: 70, user: "host", time: "host" },
  logger: { net: 50, ipc: 60, uts: 70, user: "host", time: "host" },
  db: { net: 50, ipc: 61, uts: 70, user: "host", time: undefined },
});

t.test("the table shows at a glance what is shared, and explains only signs that are in it", async (t) => {
  t.equal(
    formatMatrix(SHOP),
    `CONTAINER  net  ipc  uts  pid  user  cgroup  time  mnt
web        pod  A    pod  ·    host  ·       host  ·
logger     pod  A    pod  ·    host  ·       host  ·
db         pod  ·    pod  ·    host  ·       ?     ·

pod   the pod's: shared by all of its containers
A     shared by web and logger
host  the machine's own
·     its own, shared with nobody
?     not known: no process is in it
`,
  );
});

t.test("each cell has a tone, and each group its own number", async (t) => {
  const { rows } = makeMatrixTable(
    aMatrix({ a: { net: 5 }, b: { net: 5 }, c: { net: 6 }, d: { net: 6, ipc: "host" } }),
  );
  t.strictSame(
    rows.map((row) => row[1]),
    [
      { text: "A", tone: 0 },
      { text: "A", tone: 0 },
      { text: "B", tone: 1 },
      { text: "B", tone: 1 },
    ],
  );
  t.strictSame(
    rows[3]?.slice(0, 3).map((cell) => cell.tone),
    ["name", 1, "host"],
  );
});

t.test("differences stand side by side in words", async (t) => {
  const planned = aMatrix({ web: { net: 50 }, log: { net: 50 }, db: {}, gone: {} });
  const actual = aMatrix({ web: { net: 50 }, log: { net: "host" }, db: { net: 50 } });
  t.equal(
    formatDifference(diffMatrices(actual, planned), "NOW", "PLAN"),
    `CONTAINER  NAMESPACE  NOW              PLAN
web        net        shared with db   shared with log
log        net        the host's       shared with web
db         net        shared with web  its own
gone                  not there        there
`,
  );
});

t.test("no difference is no text", async (t) => {
  t.equal(formatDifference(diffMatrices(SHOP, SHOP), "NOW", "PLAN"), "");
});

t.test("what two pods share is a sentence", async (t) => {
  const common = findCommonNamespaces(SHOP, aMatrix({ spy: { net: 50 } }));
  t.equal(formatCommon(common, "shop", "other"), "net: web, logger and db of shop and spy of other share one\n");
});
