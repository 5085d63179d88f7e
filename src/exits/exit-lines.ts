// The reaper's `exits` file as data. Takes whole lines only: a line that is still being written, or was torn by a full
// disk, stays for the next reading.

import type { Exit, ExitLine } from "./exit.ts";

export interface ParsedExitLines {
  readonly lines: readonly ExitLine[];
  /** Offset in the file after the last whole line: where to go on reading. */
  readonly end: number;
}

const LINE = /^([1-9]\d{0,9}) (exited|killed|lost) (-|\d{1,3}) (\d{1,12}\.\d{9})$/;

/** `baseOffset`: where in the file `text` begins; a line's start. What is no exit line is passed over. */
export function parseExitLines(text: string, baseOffset: number): ParsedExitLines {
  const lines: ExitLine[] = [];
  let end = baseOffset;
  let from = 0;
  for (let to = text.indexOf("\n"); to !== -1; to = text.indexOf("\n", from)) {
    const part = text.slice(from, to);
    const line = parseExitLine(part, end);
    if (line !== undefined) lines.push(line);
    end += Buffer.byteLength(part) + 1;
    from = to + 1;
  }
  return { lines, end };
}

function parseExitLine(text: string, offset: number): ExitLine | undefined {
  const [, pid, kind, value, time] = LINE.exec(text) ?? [];
  if (pid === undefined || value === undefined || time === undefined) return undefined;
  const exit = makeExit(kind, value, makeTime(time));
  return exit === undefined ? undefined : { pid: Number(pid), exit, offset };
}

function makeExit(kind: string | undefined, value: string, time: string): Exit | undefined {
  if (kind === "lost") return value === "-" ? { kind, time } : undefined;
  if (value === "-") return undefined;
  const number = Number(value);
  if (kind === "exited") return number <= 255 ? { kind, code: number, time } : undefined;
  return number >= 1 && number <= 127 ? { kind: "killed", signal: number, time } : undefined;
}

/** `1764000000.123456789` as RFC 3339, UTC, with all nine digits. */
function makeTime(text: string): string {
  const [seconds, nanoseconds] = text.split(".");
  const date = new Date(Number(seconds) * 1000);
  // Past the year 9999 no date has four digits, and nothing of ours was there.
  return Number.isNaN(date.getTime()) ? text : `${date.toISOString().slice(0, -5)}.${nanoseconds}Z`;
}
