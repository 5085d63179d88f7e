import t from "tap";
import { parseMoment, parseSeconds } from "../../../../src/doors/cli/parse-time.ts";

const now = new Date("2026-11-22T10:00:00.250Z");

t.test("moments", async (t) => {
  const table: [text: string, moment: string | undefined][] = [
    ["10m", "2026-11-22T09:50:00.250000000Z"],
    ["1h30m", "2026-11-22T08:30:00.250000000Z"],
    ["2d", "2026-11-20T10:00:00.250000000Z"],
    ["250ms", "2026-11-22T10:00:00.000000000Z"],
    ["1.5h", "2026-11-22T08:30:00.250000000Z"],
    ["2026-11-22T10:00:00Z", "2026-11-22T10:00:00.000000000Z"],
    ["2026-11-22T10:00:00.123456789Z", "2026-11-22T10:00:00.123456789Z"],
    ["2026-11-22T10:00:00.5+02:00", "2026-11-22T08:00:00.500000000Z"],
    ["2026-11-22 10:00:00", "2026-11-22T10:00:00.000000000Z"],
    ["2026-11-22", "2026-11-22T00:00:00.000000000Z"],
    ["1795341600", "2026-11-22T10:00:00.000000000Z"],
    ["1795341600.000000001", "2026-11-22T10:00:00.000000001Z"],
    ["0", "1970-01-01T00:00:00.000000000Z"],
    ["2026-13-01", undefined],
    ["2026-11-22T25:00:00Z", undefined],
    ["yesterday", undefined],
    ["10x", undefined],
    ["-5m", undefined],
    ["", undefined],
  ];
  for (const [text, moment] of table) t.equal(parseMoment(text, now), moment, JSON.stringify(text));
});

t.test("lengths of time are in seconds unless they bear a unit", async (t) => {
  const table: [text: string, seconds: number | undefined][] = [
    ["10", 10],
    ["0", 0],
    ["1.5", 1.5],
    ["90s", 90],
    ["2m", 120],
    ["500ms", 0.5],
    ["-1", undefined],
    ["", undefined],
    ["1e3", undefined],
    ["soon", undefined],
  ];
  for (const [text, seconds] of table) t.equal(parseSeconds(text), seconds, JSON.stringify(text));
});
