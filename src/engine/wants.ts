// What a pod was asked for, in order: what a supervisor after a crash must know and the folded state does not keep.

import { existsSync } from "node:fs";
import type { Event } from "../state/event.ts";
import { readEvents } from "../state/read-journal.ts";

export type WantedEvent = Extract<Event, { type: "pod.wanted" }>;

/** Oldest first; none where there is no journal yet. */
export function readWants(journal: string): WantedEvent[] {
  if (!existsSync(journal)) return [];
  return readEvents(journal, 0).filter((event): event is WantedEvent => event.type === "pod.wanted");
}
