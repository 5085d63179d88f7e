// Times as people write them on a command line. Pure: the clock is an argument.

const UNIT_SECONDS: Readonly<Record<string, number>> = { d: 86_400, h: 3600, m: 60, s: 1, ms: 0.001 };
const DURATION = /^(\d+(\.\d+)?(d|h|ms|m|s))+$/;
const UNIX = /^(\d{1,11})(?:\.(\d{1,9})\d*)?$/;
const RFC3339 = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}:\d{2})(?:[.,](\d{1,9})\d*)?)?(Z|[+-]\d{2}:\d{2})?$/i;

/** `1h30m`, `90s`, `1.5h` as seconds. */
function parseDuration(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined;
  let seconds = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(d|h|ms|m|s)/g)) {
    seconds += Number(number) * (UNIT_SECONDS[unit ?? ""] ?? 0);
  }
  return seconds;
}

/** A length of time: plain seconds, or a duration with units. Undefined where it is neither. */
export function parseSeconds(text: string): number | undefined {
  if (/^\d{1,9}(\.\d+)?$/.test(text)) return Number(text);
  return parseDuration(text);
}

/**
 * A point in time: a duration before `now`, seconds since 1970, or RFC 3339 (a date alone is its midnight, without
 * a zone it is UTC). Gives RFC 3339, UTC, nine digits of a second; undefined where it is none of these.
 */
export function parseMoment(text: string, now: Date): string | undefined {
  const ago = parseDuration(text);
  if (ago !== undefined) return makeMoment(now.getTime() - ago * 1000, undefined);
  const unix = UNIX.exec(text);
  if (unix) return makeMoment(Number(unix[1]) * 1000, unix[2] ?? "");
  const parts = RFC3339.exec(text);
  if (!parts) return undefined;
  const [, date, clock = "00:00:00", fraction = "", zone = "Z"] = parts;
  return makeMoment(Date.parse(`${date}T${clock}${zone.toUpperCase()}`), fraction);
}

/** `fraction`: digits after the second, instead of the milliseconds of `ms`. */
function makeMoment(ms: number, fraction: string | undefined): string | undefined {
  const date = new Date(ms);
  // Beyond year 9999 the text would no longer sort as time does.
  if (Number.isNaN(ms) || ms > Date.parse("9999-12-31T23:59:59Z")) return undefined;
  const digits = (fraction ?? String(date.getUTCMilliseconds()).padStart(3, "0")).padEnd(9, "0");
  return `${date.toISOString().slice(0, 19)}.${digits}Z`;
}
