// A follower sees every event once and in order, whenever it comes and however the pod goes.

import { appendFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { Event } from "../../../src/state/event.ts";
import { followEvents, readEvents } from "../../../src/state/read-journal.ts";
import { anOrdinaryLife, stamp } from "../../support/journals.ts";

const EVENTS = stamp(anOrdinaryLife());
const lineOf = (event: Event): string => `${JSON.stringify(event)}\n`;
const text = (events: readonly Event[]): string => events.map(lineOf).join("");

async function collect(events: AsyncIterable<Event>, onEach: (event: Event) => void = () => undefined) {
  const seen: number[] = [];
  for await (const event of events) {
    seen.push(event.seq);
    onEach(event);
  }
  return seen;
}

const ALL = EVENTS.map((event) => event.seq);

t.test("reading begins after the cursor and leaves a torn line out", async (t) => {
  const path = join(t.testdir(), "journal");
  writeFileSync(path, `${text(EVENTS.slice(0, 5))}{"seq":6,`);
  t.same(readEvents(path, 3), EVENTS.slice(3, 5));
  t.same(readEvents(path, 5), []);
});

t.test("without a journal there is nothing to read or follow", async (t) => {
  const path = join(t.testdir(), "journal");
  t.throws(() => readEvents(path, 0), { code: "NOT_FOUND" });
  await t.rejects(collect(followEvents(path, 0)), { code: "NOT_FOUND" });
});

t.test("a follower gets what was there and what comes, and ends with the pod", async (t) => {
  const path = join(t.testdir(), "journal");
  writeFileSync(path, text(EVENTS.slice(0, 4)));
  // Each event is written when the one before has arrived: nothing is there to be read ahead.
  const seen = await collect(followEvents(path, 2), ({ seq }) => {
    const next = EVENTS[seq];
    if (seq >= 4 && next) setImmediate(() => appendFileSync(path, lineOf(next)));
  });
  t.same(seen, ALL.slice(2));
});

t.test("the last event is seen also when the file goes with it", async (t) => {
  const path = join(t.testdir(), "journal");
  writeFileSync(path, text(EVENTS.slice(0, -1)));
  const seen = await collect(followEvents(path, 0), ({ seq }) => {
    if (seq !== EVENTS.length - 1) return;
    appendFileSync(path, lineOf(EVENTS.at(-1) as Event));
    rmSync(path);
  });
  t.same(seen, ALL);
});

t.test("a follower ends when the file goes without a last word", async (t) => {
  const path = join(t.testdir(), "journal");
  writeFileSync(path, text(EVENTS.slice(0, 3)));
  const seen = await collect(followEvents(path, 0), ({ seq }) => {
    if (seq === 3) setImmediate(() => rmSync(path));
  });
  t.same(seen, [1, 2, 3]);
});

t.test("half a line is no event until its other half is there", async (t) => {
  const path = join(t.testdir(), "journal");
  writeFileSync(path, text(EVENTS.slice(0, 1)));
  const second = lineOf(EVENTS[1] as Event);
  const seen = await collect(followEvents(path, 0), ({ seq }) => {
    if (seq !== 1) return;
    appendFileSync(path, second.slice(0, 10));
    setImmediate(() => {
      appendFileSync(path, second.slice(10) + text(EVENTS.slice(2)));
    });
  });
  t.same(seen, ALL);
});

t.test("a torn line that its writer cuts and writes anew is seen once", async (t) => {
  const path = join(t.testdir(), "journal");
  const before = text(EVENTS.slice(0, 1));
  writeFileSync(path, before);
  const seen = await collect(followEvents(path, 0), ({ seq }) => {
    if (seq !== 1) return;
    appendFileSync(path, '{"seq":2,"ti');
    setImmediate(() => {
      truncateSync(path, before.length);
      appendFileSync(path, text(EVENTS.slice(1)));
    });
  });
  t.same(seen, ALL);
});

t.test("a follower that is told to stop stops, also while nothing happens", async (t) => {
  const path = join(t.testdir(), "journal");
  writeFileSync(path, text(EVENTS.slice(0, 3)));
  const enough = new AbortController();
  const seen = await collect(followEvents(path, 0, enough.signal), ({ seq }) => {
    if (seq === 3) setImmediate(() => enough.abort());
  });
  t.same(seen, [1, 2, 3]);
  t.same(await collect(followEvents(path, 0, AbortSignal.abort())), []);
});
