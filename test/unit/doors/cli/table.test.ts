import t from "tap";
import { makeTable } from "../../../../src/doors/cli/table.ts";
import { makeAgo } from "../../../../src/doors/cli/time-words.ts";

const columns = [{ title: "NAME" }, { title: "PID", align: "right" }, { title: "COMMAND", gives: true }] as const;

t.test("columns are aligned and lines end where their text ends", async (t) => {
  const rows = [
    ["web", "1", "sh"],
    ["sidecar", "1000", ""],
  ];
  t.equal(makeTable(columns, rows), "NAME      PID  COMMAND\nweb         1  sh\nsidecar  1000\n");
  t.equal(makeTable(columns, []), "NAME  PID  COMMAND\n");
});

t.test("on a narrow terminal the column that gives is cut, and only there", async (t) => {
  const rows = [["web", "1", "a long command line"]];
  t.equal(makeTable(columns, rows, 24), "NAME  PID  COMMAND\nweb     1  a long comma…\n");
  t.equal(makeTable(columns, rows, 5), "NAME  PID  COMMAND\nweb     1  a long …\n");
  t.equal(makeTable(columns, rows), "NAME  PID  COMMAND\nweb     1  a long command line\n");
});

t.test("control characters do not reach the terminal", async (t) => {
  t.equal(makeTable([{ title: "X" }], [["\u001b[31mred\u001b[0m\r\nnext\u009b"]]), "X\nred  next\n");
});

t.test("times are told as people tell them", async (t) => {
  const now = new Date("2026-11-22T10:00:00Z");
  const table: [time: string | undefined, words: string][] = [
    [undefined, "-"],
    ["2026-11-22T10:00:00Z", "just now"],
    ["2026-11-22T10:05:00Z", "just now"],
    ["2026-11-22T09:59:59Z", "1 second ago"],
    ["2026-11-22T09:57:00Z", "3 minutes ago"],
    ["2026-11-22T08:30:00Z", "1 hour ago"],
    ["2026-11-20T10:00:00Z", "2 days ago"],
    ["2026-11-01T10:00:00Z", "3 weeks ago"],
    ["2024-11-01T10:00:00Z", "2 years ago"],
  ];
  for (const [time, words] of table) t.equal(makeAgo(time, now), words);
});
