// events: a line for each as it comes; the event itself for programs, words for people.

import { PeapodError } from "../../../base/errors.ts";
import type { Event } from "../../../state/event.ts";
import { makeEventTeller, type Told } from "../event-words.ts";
import { EXIT } from "../exit-codes.ts";
import { parseMoment } from "../parse-time.ts";
import { cleanText } from "../table.ts";
import { podOf, type Task } from "../task.ts";
import { pickContainers } from "./logs.ts";

/** No container can have this name. */
const POD_ITSELF = "(pod)";
const GAP = "  ";
const RED = "\u001b[31m";
const PLAIN = "\u001b[0m";

export async function events(task: Task): Promise<number> {
  const { options, world } = task;
  const pod = podOf(task);
  const { cursor, sinceMs } = parseSince(task);
  const { reader } = await task.engine();
  const inJson = options.text("format") === "json";
  const wanted = options.list("container");
  const names = inJson && wanted.length === 0 ? [] : pickContainers(await reader.state(pod), wanted);
  const abort = new AbortController();
  world.output.onClosed(() => abort.abort());
  const isMeant = (event: Event) =>
    (sinceMs === undefined || Date.parse(event.time) >= sinceMs) &&
    (wanted.length === 0 || ("container" in event && names.includes(event.container)));
  const print = inJson ? (event: Event) => `${JSON.stringify(event)}\n` : makePrinter(task, names);
  const more = { since: cursor, follow: options.flag("follow"), signal: abort.signal };
  let last = cursor ?? 0;
  for await (const event of reader.events(pod, more)) {
    if (event.seq > last + 1 && isMeant(event))
      world.output.err(`hint: the events up to ${event.seq - 1} are not kept any more\n`);
    last = event.seq;
    const line = print(event);
    if (isMeant(event)) world.output.out(line);
    if (abort.signal.aborted) break;
  }
  return EXIT.ok;
}

/** A cursor is a plain number, a time anything else that `logs --since` takes. */
function parseSince({ options, world }: Task): { readonly cursor?: number; readonly sinceMs?: number } {
  const text = options.text("since");
  if (text === undefined) return {};
  if (/^\d{1,15}$/.test(text)) return { cursor: Number(text) };
  const moment = parseMoment(text, world.now());
  if (moment !== undefined) return { sinceMs: Date.parse(moment) };
  throw new PeapodError("BAD_USAGE", `option --since: ${JSON.stringify(text)} is neither a cursor nor a time`, {
    hint: "write 12 (the event after which to begin), 10m (ago) or 2026-11-22T10:00:00Z",
  });
}

/** `2026-11-22T10:00:00.000Z  server  exited with 7`; nothing for what says nothing to a person. */
function makePrinter({ world }: Task, containers: readonly string[]): (event: Event) => string {
  const width = Math.max(POD_ITSELF.length, ...containers.map((name) => name.length));
  const { hasColors } = world.output;
  const tell = makeEventTeller();
  const paint = ({ words, isBad }: Told) => {
    const text = cleanText(words);
    return isBad && hasColors ? `${RED}${text}${PLAIN}` : text;
  };
  return (event) => {
    const told = tell(event);
    if (told === undefined) return "";
    const who = "container" in event ? event.container : POD_ITSELF;
    return `${[event.time, who.padEnd(width), paint(told)].join(GAP)}\n`;
  };
}
