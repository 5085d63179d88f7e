// An image's STOPSIGNAL, which may be a number or lack its SIG, as the name that a manifest's lifecycle.stopSignal takes.

import { constants } from "node:os";

/** The signals that a C library leaves to programs (signal(7)), and the last that a manifest counts from the first. */
const RT_MIN = 34;
const RT_MAX = 64;
const RT_MIDDLE = 49;

/** Undefined for what is no signal. */
export function parseStopSignal(text: string): string | undefined {
  const names = Object.keys(constants.signals) as NodeJS.Signals[];
  if (/^\d{1,3}$/.test(text)) {
    const number = Number(text);
    if (number < RT_MIN || number > RT_MAX) return names.find((name) => constants.signals[name] === number);
    if (number <= RT_MIDDLE) return makeName("SIGRTMIN+", number - RT_MIN);
    return makeName("SIGRTMAX-", RT_MAX - number);
  }
  const upper = text.toUpperCase();
  const name = upper.startsWith("SIG") ? upper : `SIG${upper}`;
  const [, end, offset = "0"] = /^SIGRT(MIN\+|MAX-|MIN$|MAX$)(\d{1,2})?$/.exec(name) ?? [];
  if (end !== undefined)
    return parseStopSignal(String(end.startsWith("MIN") ? RT_MIN + Number(offset) : RT_MAX - Number(offset)));
  return names.find((known) => known === name);
}

function makeName(end: string, offset: number): string {
  return offset === 0 ? end.slice(0, -1) : `${end}${offset}`;
}
