import fc from "fast-check";
import t from "tap";
import { formatLogLine, type LogPiece, parseLogLine, type StreamName } from "../../../src/io/log-line.ts";

t.test("a line in the CRI format is taken apart", async (test) => {
  test.strictSame(parseLogLine("2026-11-22T10:00:00.123456789Z stdout F hello  world"), {
    time: "2026-11-22T10:00:00.123456789Z",
    stream: "stdout",
    partial: false,
    restarted: false,
    bytes: Buffer.from("hello  world"),
  });
  test.match(parseLogLine("2026-11-22T10:00:00.123456789Z stderr P "), { stream: "stderr", partial: true });
  test.equal(parseLogLine("2026-11-22T10:00:00.123456789Z stdout F ")?.bytes.length, 0);
});

t.test("only a tag makes a line io's own; a container cannot write one", async (test) => {
  test.match(parseLogLine("2026-11-22T10:00:00.123456789Z stderr F:restarted x"), { restarted: true, partial: false });
  test.match(parseLogLine("2026-11-22T10:00:00.123456789Z stderr F F:restarted x"), { restarted: false });
  test.match(parseLogLine("2026-11-22T10:00:00.123456789Z stderr F:other x"), { restarted: false });
});

t.test("what is no such line is undefined", async (test) => {
  const time = "2026-11-22T10:00:00.123456789Z";
  for (const text of [
    "",
    "hello",
    time,
    `${time} stdout`,
    `${time} stdout F`,
    `${time} stdin F x`,
    `${time} stdout X x`,
  ]) {
    test.equal(parseLogLine(text), undefined, text);
  }
  test.equal(parseLogLine("2026-11-22T10:00:00Z stdout F x"), undefined, "the time has nine digits of a second");
});

t.test("any bytes but a newline come through writing and reading", async () => {
  const piece = fc.record({
    time: fc.constant("2026-11-22T10:00:00.123456789Z"),
    stream: fc.constantFrom<StreamName>("stdout", "stderr"),
    partial: fc.boolean(),
    restarted: fc.boolean(),
    bytes: fc.uint8Array().map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 10))),
  });
  const same = (one: LogPiece, other: LogPiece | undefined) =>
    other !== undefined && one.bytes.equals(other.bytes) && JSON.stringify(one) === JSON.stringify(other);
  fc.assert(fc.property(piece, (one) => same(one, parseLogLine(formatLogLine(one).subarray(0, -1)))));
});
