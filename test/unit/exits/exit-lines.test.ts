import fc from "fast-check";
import t from "tap";
import type { Exit } from "../../../src/exits/exit.ts";
import { parseExitLines } from "../../../src/exits/exit-lines.ts";

const time = fc
  .tuple(fc.integer({ min: 0, max: 4_000_000_000 }), fc.integer({ min: 0, max: 999_999_999 }))
  .map(([seconds, nano]) => `${seconds}.${String(nano).padStart(9, "0")}`);
const pid = fc.integer({ min: 1, max: 4_194_304 });
const written = fc.oneof(
  fc.tuple(pid, fc.integer({ min: 0, max: 255 }), time).map(([p, code, at]) => `${p} exited ${code} ${at}\n`),
  fc.tuple(pid, fc.integer({ min: 1, max: 64 }), time).map(([p, signal, at]) => `${p} killed ${signal} ${at}\n`),
  fc.tuple(pid, time).map(([p, at]) => `${p} lost - ${at}\n`),
);

/** The line as the reaper wrote it. */
function format(line: { pid: number; exit: Exit }): string {
  const { exit } = line;
  const value = exit.kind === "exited" ? exit.code : exit.kind === "killed" ? exit.signal : "-";
  const seconds = Date.parse(`${exit.time.slice(0, 19)}Z`) / 1000;
  return `${line.pid} ${exit.kind} ${value} ${seconds}.${exit.time.slice(20, 29)}\n`;
}

t.test("each kind of exit is understood, its time in RFC 3339", async (test) => {
  const text = "1234 exited 7 1764000000.123456789\n8 killed 9 0.000000001\n4194304 lost - 1764000000.000000000\n";
  test.strictSame(parseExitLines(text, 0), {
    lines: [
      { pid: 1234, exit: { kind: "exited", code: 7, time: "2025-11-24T16:00:00.123456789Z" }, offset: 0 },
      { pid: 8, exit: { kind: "killed", signal: 9, time: "1970-01-01T00:00:00.000000001Z" }, offset: 35 },
      { pid: 4194304, exit: { kind: "lost", time: "2025-11-24T16:00:00.000000000Z" }, offset: 58 },
    ],
    end: text.length,
  });
});

t.test("whatever the reaper writes comes back whole", async () => {
  fc.assert(
    fc.property(fc.array(written), fc.nat(), (lines, base) => {
      const parsed = parseExitLines(lines.join(""), base);
      return parsed.lines.map(format).join("") === lines.join("") && parsed.end === base + lines.join("").length;
    }),
  );
});

t.test("read in any two pieces, the file says the same; a torn line waits for its rest", async () => {
  fc.assert(
    fc.property(fc.array(written, { minLength: 1 }), fc.nat(), (lines, at) => {
      const text = lines.join("");
      const cut = at % (text.length + 1);
      const first = parseExitLines(text.slice(0, cut), 0);
      const second = parseExitLines(text.slice(first.end), first.end);
      const joined = [...first.lines, ...second.lines];
      return JSON.stringify(joined) === JSON.stringify(parseExitLines(text, 0).lines) && second.end === text.length;
    }),
  );
});

t.test("what is no exit line is passed over, and the lines around it keep their offsets", async (test) => {
  const good = "5 exited 0 1764000000.123456789\n";
  const bad = [
    "\n",
    "5 exited\n",
    "0 exited 0 1.000000000\n",
    "5 exited 256 1.000000000\n",
    "5 killed 0 1.000000000\n",
  ];
  for (const line of [...bad, "5 lost 3 1.000000000\n", "5 exited - 1.000000000\n", "\0\0\0\n", "é\n"]) {
    const { lines } = parseExitLines(good + line + good, 100);
    test.strictSame(
      lines.map(({ offset }) => offset),
      [100, 100 + good.length + Buffer.byteLength(line)],
      JSON.stringify(line),
    );
  }
});

t.test("no text at all makes it throw", async () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const { end } = parseExitLines(text, 0);
      return end === Buffer.byteLength(text.slice(0, text.lastIndexOf("\n") + 1));
    }),
  );
});
