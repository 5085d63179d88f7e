import t from "tap";
import { makePlannedMatrix } from "../../../../src/host/matrix/matrix.ts";
import { countDifferences, diffMatrices, findCommonNamespaces } from "../../../../src/host/matrix/matrix-diff.ts";
import { aMatrix, aPlan } from "./a-matrix.ts";

const FILE = "/run/p/ns/x";

t.test("a pod that is as it was planned has no difference", async (t) => {
  const plan = makePlannedMatrix(
    aPlan({
      web: { net: { scope: "pod", file: FILE }, user: { scope: "host" }, ipc: { scope: "private", file: FILE } },
      log: {
        net: { scope: "pod", file: FILE },
        user: { scope: "host" },
        ipc: { scope: "container", container: "web" as never, file: FILE },
      },
      db: { net: { scope: "pod", file: FILE }, user: { scope: "host" } },
    }),
  );
  const actual = aMatrix({
    web: { net: 50, user: "host", ipc: 60 },
    log: { net: 50, user: "host", ipc: 60 },
    db: { net: 50, user: "host" },
  });
  t.equal(countDifferences(diffMatrices(actual, plan)), 0);
});

t.test("a container alone in the pod's namespace is no difference to the plan", async (t) => {
  const plan = makePlannedMatrix(aPlan({ web: { net: { scope: "pod", file: FILE } } }));
  t.equal(countDifferences(diffMatrices(aMatrix({ web: { net: 50 } }), plan)), 0);
});

t.test("who left a shared namespace is named, with what the others see of it", async (t) => {
  const planned = aMatrix({ web: { net: 50 }, log: { net: 50 } });
  const actual = aMatrix({ web: { net: 50 }, log: { net: "host" } });
  const { cells } = diffMatrices(actual, planned);
  t.strictSame(
    cells.map((cell) => [cell.container, cell.kind, cell.left.scope, cell.right.scope]),
    [
      ["web", "net", "private", "pod"],
      ["log", "net", "host", "pod"],
    ],
  );
});

t.test("other partners are a difference, also where both are groups", async (t) => {
  const left = aMatrix({ a: { net: 50 }, b: { net: 50 }, c: {} });
  const right = aMatrix({ a: { net: 50 }, b: {}, c: { net: 50 } });
  t.strictSame(
    diffMatrices(left, right).cells.map((cell) => cell.container),
    ["a", "b", "c"],
  );
});

t.test("what is unknown is no difference", async (t) => {
  const left = aMatrix({ web: { net: undefined } });
  t.equal(countDifferences(diffMatrices(left, aMatrix({ web: { net: "host" } }))), 0);
});

t.test("two pods are compared by their containers' names, and those of one alone are told", async (t) => {
  const blue = aMatrix({ web: { net: 50 }, log: { net: 50 }, old: {} });
  const green = aMatrix({ web: { net: 70 }, log: { net: 70 }, new: { net: 70 } });
  const difference = diffMatrices(blue, green);
  t.strictSame(difference.onlyLeft, ["old"]);
  t.strictSame(difference.onlyRight, ["new"]);
  t.strictSame(difference.cells, []);
  t.equal(countDifferences(difference), 2);
});

t.test("namespaces that two pods have in common are found, but not the host's", async (t) => {
  const blue = aMatrix({ web: { net: 50, user: "host" }, log: { net: 50, user: "host" } });
  const green = aMatrix({ spy: { net: 50, user: "host", ipc: 4242 } });
  t.strictSame(findCommonNamespaces(blue, green), [{ kind: "net", id: 50, left: ["web", "log"], right: ["spy"] }]);
});
