// Several containers' logs as one stream. In time's order as far as it can be known: of finished logs wholly,
// of followed ones among the entries that are there at the same moment.

import { setImmediate } from "node:timers/promises";
import type { LogEntry } from "../../engine/engine.ts";

export interface NamedEntry {
  readonly container: string;
  readonly entry: LogEntry;
}

interface Source {
  readonly container: string;
  readonly iterator: AsyncIterator<LogEntry>;
  /** The entry that comes next, once it is there. */
  ready: LogEntry | undefined;
  asked: Promise<void> | undefined;
  isDone: boolean;
}

/** `waitForAll`: each step waits for all sources; right for logs that end, wrong for those that are followed. */
export async function* mergeLogs(
  logs: readonly { readonly container: string; readonly entries: AsyncIterable<LogEntry> }[],
  more: { readonly waitForAll: boolean },
): AsyncGenerator<NamedEntry> {
  let sources: Source[] = logs.map(({ container, entries }) => ({
    container,
    iterator: entries[Symbol.asyncIterator](),
    ready: undefined,
    asked: undefined,
    isDone: false,
  }));
  try {
    while (sources.length > 0) {
      const asked = sources.map(ask);
      if (more.waitForAll) await Promise.all(asked);
      else {
        await Promise.race(asked);
        // Those that are about to be there may be older.
        if (sources.some((source) => source.ready === undefined && !source.isDone)) await setImmediate();
      }
      sources = sources.filter((source) => !source.isDone);
      const first = oldest(sources);
      if (first?.ready === undefined) continue;
      const entry = first.ready;
      first.ready = undefined;
      yield { container: first.container, entry };
    }
  } finally {
    // Not awaited: an iterator that waits for its next entry answers only after it.
    for (const source of sources) void source.iterator.return?.();
  }
}

async function ask(source: Source): Promise<void> {
  if (source.ready !== undefined || source.isDone) return;
  source.asked ??= take(source);
  await source.asked;
}

async function take(source: Source): Promise<void> {
  const result = await source.iterator.next();
  source.asked = undefined;
  if (result.done) source.isDone = true;
  else source.ready = result.value;
}

function oldest(sources: readonly Source[]): Source | undefined {
  let first: Source | undefined;
  for (const source of sources) {
    if (source.ready === undefined) continue;
    if (first?.ready === undefined || source.ready.time < first.ready.time) first = source;
  }
  return first;
}
