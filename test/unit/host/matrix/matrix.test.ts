import t from "tap";
import { makeMatrix, makePlannedMatrix } from "../../../../src/host/matrix/matrix.ts";
import { NAMESPACE_KINDS } from "../../../../src/plan/plan.ts";
import { aMatrix, aPlan, HOST, scopesOf } from "./a-matrix.ts";

t.test("each cell says whose namespace it is", async (t) => {
  const matrix = aMatrix({
    web: { net: 50, ipc: 60, uts: "host" },
    log: { net: 50, ipc: 60, uts: "host" },
    db: { net: 50, uts: 70 },
  });
  t.strictSame(scopesOf(matrix, "net"), ["pod", "pod", "pod"]);
  t.strictSame(scopesOf(matrix, "ipc"), ["A", "A", "private"]);
  t.strictSame(scopesOf(matrix, "uts"), ["host", "host", "private"]);
  t.strictSame(scopesOf(matrix, "mnt"), ["private", "private", "private"]);
  t.strictSame(matrix.rows[0]?.cells.net.sharedWith, ["log", "db"]);
});

t.test("one letter stands for one set of containers, whatever kinds they share", async (t) => {
  const matrix = aMatrix({
    a: { net: 1001000, ipc: 2001000, pid: 3001000 },
    b: { net: 1001000, ipc: 2001000 },
    c: { pid: 3001000, uts: 4001000 },
    d: { uts: 4001000 },
  });
  t.strictSame(scopesOf(matrix, "net"), ["A", "A", "private", "private"]);
  t.strictSame(scopesOf(matrix, "ipc"), ["A", "A", "private", "private"]);
  t.strictSame(scopesOf(matrix, "pid"), ["B", "private", "B", "private"]);
  t.strictSame(scopesOf(matrix, "uts"), ["private", "private", "C", "C"]);
  t.strictSame(
    matrix.groups.map(({ letter, members }) => `${letter}=${members.join("+")}`),
    ["A=a+b", "B=a+c", "C=c+d"],
  );
});

t.test("two groups of one kind have two letters", async (t) => {
  const matrix = aMatrix({ a: { net: 50 }, b: { net: 50 }, c: { net: 51 }, d: { net: 51 } });
  t.strictSame(scopesOf(matrix, "net"), ["A", "A", "B", "B"]);
});

t.test("a container alone is in the pod's namespace only where that is pinned", async (t) => {
  t.strictSame(scopesOf(aMatrix({ web: { net: 50 } }), "net"), ["private"]);
  t.strictSame(scopesOf(aMatrix({ web: { net: 50 } }, { net: 50 }), "net"), ["pod"]);
});

t.test("one that has ended is unknown, and does not keep the others from sharing all", async (t) => {
  const matrix = aMatrix({ web: { net: 50 }, log: { net: 50 }, job: { net: undefined } });
  t.strictSame(scopesOf(matrix, "net"), ["pod", "pod", "unknown"]);
});

t.test("a pod without containers is an empty matrix", async (t) => {
  t.strictSame(makeMatrix([], HOST).rows, []);
});

t.test("a plan gives the matrix that its pod will have", async (t) => {
  const file = "/run/p/ns/x";
  const matrix = makePlannedMatrix(
    aPlan({
      web: { net: { scope: "pod", file }, ipc: { scope: "private", file }, user: { scope: "host" } },
      log: {
        net: { scope: "pod", file },
        ipc: { scope: "container", container: "web" as never, file },
        user: { scope: "host" },
      },
      db: { net: { scope: "pod", file }, user: { scope: "host" }, uts: { scope: "path", file: "/run/netns/blue" } },
    }),
  );
  t.strictSame(scopesOf(matrix, "net"), ["pod", "pod", "pod"]);
  t.strictSame(scopesOf(matrix, "ipc"), ["A", "A", "private"]);
  t.strictSame(scopesOf(matrix, "user"), ["host", "host", "host"]);
  t.strictSame(scopesOf(matrix, "uts"), ["private", "private", "private"]);
});

t.test("a planned path may lead to the host's own namespace", async (t) => {
  const plan = aPlan({ web: { net: { scope: "path", file: "/proc/1/ns/net" }, uts: { scope: "path", file: "/x" } } });
  const ids = new Map([
    ["/proc/1/ns/net", HOST.net as number],
    ["/x", 77],
  ]);
  const matrix = makePlannedMatrix(plan, ids, HOST);
  t.strictSame(scopesOf(matrix, "net"), ["host"]);
  t.equal(matrix.rows[0]?.cells.uts.id, 77);
});

t.test("every row has every kind", async (t) => {
  for (const row of aMatrix({ a: {}, b: {} }).rows) t.strictSame(Object.keys(row.cells), [...NAMESPACE_KINDS]);
});
