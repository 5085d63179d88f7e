// Holds a journal's text against the rules: of one that was shortened also whether its sums are what the events add up to.

import type { Event } from "./event.ts";
import { type Memory, remember } from "./memory.ts";
import { parseJournal } from "./parse-journal.ts";
import { reviveMemory } from "./shortened.ts";
import { Checker, isSameMemory, type Violation } from "./verify.ts";

export interface JournalVerdict {
  readonly violations: readonly Violation[];
  /** All that the pod has had. */
  readonly events: number;
  /** Those of them that are not kept any more: they were held against the rules before they went. */
  readonly dropped: number;
}

/** @throws STATE_DAMAGED */
export function verifyJournal(bytes: Buffer, path: string): JournalVerdict {
  const { events, shortened, sum } = parseJournal(bytes, path);
  const checker = new Checker(shortened);
  const dropped = shortened?.seq ?? 0;
  const summed = (sum?.seq ?? 0) - dropped;
  for (const event of events.slice(0, summed)) checker.take(event);
  if (shortened !== undefined && sum !== undefined) {
    checker.compare(sum.memory.state);
    if (!addsUp(shortened.memory, events.slice(0, summed), sum.memory))
      checker.violations.push({ seq: sum.seq, rule: "sum", message: "the sum: is not what the events add up to" });
  }
  for (const event of events.slice(summed)) checker.take(event);
  if (events.at(-1)?.type === "pod.deleted") checker.end();
  return { violations: checker.violations, events: dropped + events.length, dropped };
}

function addsUp(base: Memory, events: readonly Event[], sum: Memory): boolean {
  try {
    return isSameMemory(events.reduce(remember, reviveMemory(base)), sum);
  } catch {
    // An event that lacks what its type has cannot be folded.
    return false;
  }
}
