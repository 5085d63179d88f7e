import t from "tap";
import { formatMatrixDot } from "../../../../src/host/matrix/matrix-dot.ts";
import { aMatrix } from "./a-matrix.ts";

const DOT = formatMatrixDot(
  aMatrix({ web: { net: 50, user: "host", time: "host" }, log: { net: 50, user: "host" } }),
  "shop",
);

t.test("a shared namespace is a node of its own, with an edge from each container in it", async (t) => {
  t.match(DOT, /^graph "shop" \{\n/);
  t.match(DOT, '"namespace net 50" [shape=ellipse, label="net\\n50"');
  t.match(DOT, '"container web" -- "namespace net 50"');
  t.match(DOT, '"container log" -- "namespace net 50"');
});

t.test("what a container has for itself stands in its box, what is the host's on its edge to the host", async (t) => {
  t.match(DOT, 'label="web\\nown: ipc, uts, pid, cgroup, mnt"');
  t.match(DOT, '"container web" -- "host" [label="user, time"');
  t.match(DOT, '"container log" -- "host" [label="user"');
});

t.test("braces close, and every statement ends", async (t) => {
  const lines = DOT.trimEnd().split("\n");
  t.equal(lines.at(-1), "}");
  for (const line of lines.slice(1, -1)) t.match(line, /^ {2}.*;$/);
});

t.test("a title cannot end its quotes", async (t) => {
  t.match(formatMatrixDot(aMatrix({}), 'a"b\\'), 'graph "a\\"b\\\\" {');
});
