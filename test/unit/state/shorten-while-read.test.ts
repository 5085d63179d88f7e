// Whoever reads a journal while it is shortened and its writer is killed, at whatever instant, misses nothing and sees nothing
// twice; and whatever the killed one left is a whole journal.

import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync, existsSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import type { Event } from "../../../src/state/event.ts";
import { makeMemory, remember } from "../../../src/state/memory.ts";
import { makeBareOutline } from "../../../src/state/outline.ts";
import { followEvents, followStates, readEvents } from "../../../src/state/read-journal.ts";
import { readMemoryAt } from "../../../src/state/read-memory.ts";
import { makeShorterJournal } from "../../../src/state/shorten-journal.ts";
import { verifyJournal } from "../../../src/state/verify-journal.ts";
import { anOrdinaryLife, POD, SIDECAR, stamp, WEB } from "../../support/journals.ts";
import { waitUntil } from "../../support/wait-until.ts";

const EVENTS = stamp(anOrdinaryLife());
const ALL = EVENTS.map(({ seq }) => seq);
const PLANNED = makeMemory(POD, [WEB, SIDECAR].map(makeBareOutline));
const lineOf = (event: Event | undefined): string => (event === undefined ? "" : `${JSON.stringify(event)}\n`);
const upTo = (seq: number): string => EVENTS.slice(0, seq).map(lineOf).join("");

/** As the supervisor does it. */
function shorten(path: string, keep: number): void {
  const bytes = readFileSync(path);
  const memory = readMemoryAt(path, PLANNED);
  writeFileSync(
    `${path}.new`,
    makeShorterJournal(bytes, { path, planned: PLANNED, memory }, { events: keep, bytes: 1e6 }),
  );
  renameSync(`${path}.new`, path);
}

async function collect<T>(from: AsyncIterable<T>, onEach: (one: T) => void): Promise<T[]> {
  const seen: T[] = [];
  for await (const one of from) {
    seen.push(one);
    onEach(one);
  }
  return seen;
}

t.test("a follower goes on in the new file, whatever he had read of the old one", async (t) => {
  for (const keep of [1, 2, 5]) {
    const path = join(t.testdir({ journal: upTo(3) }), "journal");
    const seen = await collect(followEvents(path, 1), ({ seq }) => {
      if (seq < 3) return;
      // At once, so that it may happen between any two looks of the follower's.
      appendFileSync(path, lineOf(EVENTS[seq]));
      if (seq % 2 === 0) shorten(path, keep);
    });
    t.same(
      seen.map(({ seq }) => seq),
      ALL.slice(1),
    );
  }
});

t.test("also one that another name still leads to, as a copy for later may", async (t) => {
  const dir = t.testdir({ journal: upTo(3) });
  const path = join(dir, "journal");
  linkSync(path, join(dir, "copy"));
  const seen = await collect(followEvents(path, 0), ({ seq }) => {
    if (seq < 3) return;
    setImmediate(() => {
      appendFileSync(path, lineOf(EVENTS[seq]));
      shorten(path, 2);
    });
  });
  t.same(
    seen.map(({ seq }) => seq),
    ALL,
  );
});

t.test("one who is so slow that events are gone is told, with the cursor that he can go on from", async (t) => {
  const path = join(t.testdir({ journal: upTo(3) }), "journal");
  const seen: number[] = [];
  await t.rejects(
    (async () => {
      for await (const { seq } of followEvents(path, 0)) {
        seen.push(seq);
        if (seq !== 3) continue;
        for (const event of EVENTS.slice(3, 9)) appendFileSync(path, lineOf(event));
        // He has the first one open, and finds only the third in its place.
        shorten(path, 6);
        for (const event of EVENTS.slice(9, 13)) appendFileSync(path, lineOf(event));
        shorten(path, 2);
      }
    })(),
    { code: "TOO_OLD", detail: { oldest: 11 } },
  );
  t.same(seen, ALL.slice(0, 9), "what stood in the file that he had open was his");
});

t.test("states go on over what is gone, and end as they should", async (t) => {
  const path = join(t.testdir({ journal: upTo(3) }), "journal");
  const states = await collect(followStates(path, PLANNED, 2), ({ cursor }) => {
    if (cursor !== 3) {
      appendFileSync(path, lineOf(EVENTS[cursor]));
      return;
    }
    for (const event of EVENTS.slice(3, 9)) appendFileSync(path, lineOf(event));
    shorten(path, 1);
    for (const event of EVENTS.slice(9, 13)) appendFileSync(path, lineOf(event));
    shorten(path, 1);
  });
  t.same(
    states.map(({ cursor }) => cursor),
    [3, 4, 5, 6, 7, 8, 9, 12, ...ALL.slice(12)],
  );
  t.strictSame(states.at(-1), EVENTS.reduce(remember, PLANNED).state);
});

t.test("a later pod of the same name is another story", async (t) => {
  const later = EVENTS.map((event) => ({ ...event, time: event.time.replace("2026", "2027") }));
  const text = (events: readonly Event[]) => Buffer.from(events.map(lineOf).join(""));
  const shortened = makeShorterJournal(
    text(later.slice(0, 9)),
    { path: "x", planned: PLANNED, memory: later.slice(0, 9).reduce(remember, PLANNED) },
    { events: 4, bytes: 1e6 },
  );
  for (const next of [text([]), text(later.slice(0, 9)), shortened]) {
    const path = join(t.testdir({ journal: upTo(3) }), "journal");
    const seen = await collect(followEvents(path, 0), ({ seq }) => {
      if (seq !== 3) return;
      rmSync(path);
      writeFileSync(path, next);
    });
    t.same(
      seen.map(({ seq }) => seq),
      [1, 2, 3],
    );
  }
});

t.test(
  "a writer that is killed at any instant leaves a whole journal, and those who follow notice nothing",
  async (t) => {
    const path = join(t.testdir(), "journal");
    const end = new AbortController();
    let child: ChildProcess | undefined;
    const begin = () => {
      const program = new URL("fixtures/restless-writer.ts", import.meta.url).pathname;
      child = spawn(process.execPath, [program, path], { stdio: ["ignore", "ignore", "inherit"] });
      return child;
    };
    t.teardown(() => child?.kill("SIGKILL"));
    begin();
    await waitUntil("it has begun", () => existsSync(path) && readEvents(path, undefined).length > 0);
    let last = 0;
    let isInOrder = true;
    const following = (async () => {
      for await (const { seq } of followEvents(path, 0, end.signal)) {
        isInOrder &&= seq === last + 1;
        last = seq;
      }
    })();
    let rotations = 0;
    for (let round = 0; round < 12; round += 1) {
      const from = readMemoryAt(path, PLANNED).state.cursor;
      const enough = from + 50 + Math.floor(Math.random() * 60);
      await waitUntil("it wrote some more", async () => readMemoryAt(path, PLANNED).state.cursor >= enough);
      await sleep(Math.random() * 4);
      const dead = new Promise((resolve) => child?.once("exit", resolve));
      child?.kill("SIGKILL");
      await dead;
      const { violations, events, dropped } = verifyJournal(readFileSync(path), path);
      t.same(violations, [], `in order after ${events} events`);
      t.ok(events >= enough);
      rotations = dropped;
      if (round < 11) begin();
    }
    t.ok(rotations > 0, "it was shortened meanwhile");
    const { cursor } = readMemoryAt(path, PLANNED).state;
    await waitUntil("the follower has all", () => last === cursor);
    end.abort();
    await following;
    t.ok(isInOrder, "each event came once and in order");
  },
);
