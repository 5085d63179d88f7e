// A journal that was shortened, however often and wherever, adds up to the same, is checked as strictly, and tells whoever
// asks for what is gone.

import { existsSync, readdirSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import t from "tap";
import type { Event } from "../../../src/state/event.ts";
import { foldEvents } from "../../../src/state/fold.ts";
import { openJournal } from "../../../src/state/journal.ts";
import { type Memory, MOST_REQUESTS, makeMemory, remember } from "../../../src/state/memory.ts";
import { makeBareOutline } from "../../../src/state/outline.ts";
import { readEvents } from "../../../src/state/read-journal.ts";
import { readMemoryAt } from "../../../src/state/read-memory.ts";
import { makeShorterJournal } from "../../../src/state/shorten-journal.ts";
import { isSameMemory, verifyEvents } from "../../../src/state/verify.ts";
import { verifyJournal } from "../../../src/state/verify-journal.ts";
import { anOrdinaryLife, POD, SIDECAR, stamp, WEB, walk } from "../../support/journals.ts";

const OUTLINES = [WEB, SIDECAR].map(makeBareOutline);
const PLANNED = makeMemory(POD, OUTLINES);
const EVENTS = stamp(anOrdinaryLife());
const MUCH = 1 << 20;
const text = (events: readonly Event[]): string => events.map((event) => `${JSON.stringify(event)}\n`).join("");

interface Part {
  readonly events: number;
  readonly kept: number;
}

/** The journal's text after each of `parts` was written and the file then shortened to its last `kept` events. */
function shortenAgainAndAgain(events: readonly Event[], parts: readonly Part[], planned: Memory): Buffer {
  let bytes: Buffer = Buffer.alloc(0);
  let memory = planned;
  let written = 0;
  for (const { events: count, kept } of parts) {
    const part = events.slice(written, written + count);
    written += part.length;
    memory = part.reduce(remember, memory);
    const old = { path: "journal", planned, memory };
    bytes = makeShorterJournal(Buffer.concat([bytes, Buffer.from(text(part))]), old, { events: kept, bytes: MUCH });
  }
  return Buffer.concat([bytes, Buffer.from(text(events.slice(written)))]);
}

t.test("what is left of any story adds up to the whole, and is found in order", async (t) => {
  const aPart = fc.record({ events: fc.nat(40), kept: fc.integer({ min: 1, max: 30 }) });
  const path = join(t.testdir(), "journal");
  fc.assert(
    fc.property(fc.array(fc.nat(), { maxLength: 120 }), fc.array(aPart, { maxLength: 4 }), (choices, parts) => {
      const { events } = walk([WEB, SIDECAR], choices, [SIDECAR]);
      const outlines = OUTLINES.map((one) => (one.name === SIDECAR ? { ...one, role: "init" as const } : one));
      const planned = makeMemory(POD, outlines);
      const bytes = shortenAgainAndAgain(events, parts, planned);
      writeFileSync(path, bytes);
      const read = readMemoryAt(path, planned);
      t.strictSame(read.state, foldEvents(POD, outlines, events));
      if (!isSameMemory(read, events.reduce(remember, planned))) throw new Error("it adds up to something else");
      const verdict = verifyJournal(bytes, path);
      t.same(verdict.violations, verifyEvents(events, { complete: true }));
      t.equal(verdict.events, events.length);
      const kept = readEvents(path, undefined);
      t.strictSame(kept, events.slice(verdict.dropped), "the last ones are as they were");
    }),
    { numRuns: 60 },
  );
});

t.test("a journal that is shortened while it is written goes on, and its next writer knows the same", async (t) => {
  const dir = t.testdir();
  const path = join(dir, "journal");
  const journal = openJournal(path, POD, OUTLINES);
  const facts = anOrdinaryLife();
  for (const fact of facts.slice(0, 8)) journal.append(fact);
  t.same(journal.unsummed.events, 8);
  await journal.shorten({ events: 3, bytes: MUCH });
  t.same(journal.unsummed, { events: 0, bytes: 0 });
  for (const fact of facts.slice(8, 10)) journal.append(fact);
  t.same(journal.unsummed.events, 2);
  const next = openJournal(path, POD, OUTLINES);
  t.strictSame(next.state, journal.state);
  t.same(next.unsummed, journal.unsummed);
  t.ok(next.hasRequest("running", "r1"));
  t.equal(next.requestCount, 1);
  journal.close();
  for (const fact of facts.slice(10)) next.append(fact);
  t.same(
    readEvents(path, 5).map((event) => event.seq),
    facts.map((_, index) => index + 1).slice(5),
  );
  t.same(verifyJournal(readFileSync(path), path), { violations: [], events: facts.length, dropped: 5 });
  t.same(readdirSync(dir), ["journal"], "and nothing lies beside it");
  next.close();
});

t.test("bytes are a limit, too: a few long events are not kept for their number", async (t) => {
  const line = Buffer.byteLength(text(EVENTS.slice(-1)));
  const memory = EVENTS.reduce(remember, PLANNED);
  const bytes = makeShorterJournal(
    Buffer.from(text(EVENTS)),
    { path: "x", planned: PLANNED, memory },
    {
      events: 100,
      bytes: line + 20,
    },
  );
  t.equal(verifyJournal(bytes, "x").dropped, EVENTS.length - 1);
});

t.test("events that are not kept any more are never passed over in silence", async (t) => {
  const path = join(t.testdir(), "journal");
  writeFileSync(path, shortenAgainAndAgain(EVENTS.slice(0, 12), [{ events: 10, kept: 4 }], PLANNED));
  t.same(
    readEvents(path, 6).map((event) => event.seq),
    [7, 8, 9, 10, 11, 12],
  );
  t.same(readEvents(path, undefined)[0]?.seq, 7);
  for (const since of [0, 5]) {
    t.throws(() => readEvents(path, since), {
      code: "TOO_OLD",
      message: `pod shop: events ${since + 1} to 6 are not kept any more`,
      detail: { since, oldest: 6 },
    });
  }
});

t.test("a full disk leaves the journal as it is, and writable", async (t) => {
  for (const mostBytes of [0, 1, 700]) {
    const dir = t.testdir();
    const path = join(dir, "journal");
    let left = Number.POSITIVE_INFINITY;
    const write = (fd: number, bytes: Buffer): number => {
      if (left === 0) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
      const part = bytes.subarray(0, left);
      left -= part.length;
      return writeSync(fd, part);
    };
    const journal = openJournal(path, POD, OUTLINES, { write });
    for (const fact of anOrdinaryLife().slice(0, 9)) journal.append(fact);
    const before = readFileSync(path, "utf8");
    left = mostBytes;
    await t.rejects(journal.shorten({ events: 3, bytes: MUCH }), { code: "OUT_OF_RESOURCES" });
    t.equal(readFileSync(path, "utf8"), before);
    t.same(readdirSync(dir), ["journal"], "what was half written makes room again");
    left = Number.POSITIVE_INFINITY;
    t.equal(journal.append({ type: "pod.recovered" }).seq, 10);
    await journal.shorten({ events: 3, bytes: MUCH });
    t.same(verifyJournal(readFileSync(path), path), { violations: [], events: 10, dropped: 7 });
    journal.close();
  }
});

t.test("what a killed writer left half written is overwritten by the next", async (t) => {
  const dir = t.testdir({ "journal.new": `{"type":"journal.shortened","seq":9,${"x".repeat(5000)}` });
  const path = join(dir, "journal");
  const journal = openJournal(path, POD, OUTLINES);
  for (const fact of anOrdinaryLife().slice(0, 9)) journal.append(fact);
  await journal.shorten({ events: 3, bytes: MUCH });
  t.notOk(existsSync(join(dir, "journal.new")));
  t.same(verifyJournal(readFileSync(path), path), { violations: [], events: 9, dropped: 6 });
  journal.close();
});

t.test("a file that does not add up to what its writer remembers is not shortened", async (t) => {
  const path = join(t.testdir(), "journal");
  const journal = openJournal(path, POD, OUTLINES);
  for (const fact of anOrdinaryLife().slice(0, 9)) journal.append(fact);
  const lines = readFileSync(path, "utf8").split("\n");
  const forged = lines.with(4, (lines[4] ?? "").replace("100", "111")).join("\n");
  writeFileSync(path, forged);
  await t.rejects(journal.shorten({ events: 3, bytes: MUCH }), { code: "STATE_DAMAGED" });
  t.equal(readFileSync(path, "utf8"), forged);
  journal.close();
});

t.test("the checker sees what is wrong before, in and after the sums", async (t) => {
  const sound = shortenAgainAndAgain(EVENTS, [{ events: 10, kept: 4 }], PLANNED).toString();
  t.same(verifyJournal(Buffer.from(sound), "x").violations, []);
  const lines = sound.trimEnd().split("\n");
  const at = (needle: string) => lines.findIndex((line) => line.includes(needle));
  const change = (needle: string, from: string, to: string) =>
    lines.map((line, index) => (index === at(needle) ? line.replace(from, to) : line));
  const cases: readonly [name: string, lines: readonly string[], message: RegExp][] = [
    ["an event that is gone", lines.toSpliced(3, 1), /bears the number|not what the events add up to/],
    ["a kept event that differs", change('"seq":8', '"type":"container.started"', '"type":"container.exited"'), /./],
    ["a sum with another pid", change("journal.sum", '"pid":100', '"pid":999'), /not what the events add up to/],
    [
      "a sum with another status",
      change("journal.sum", '"awaits":[],"status":"running"', '"awaits":[],"status":"exited"'),
      /says that container web is/,
    ],
    [
      "a first sum of another story",
      change("journal.shortened", '"status":"created"', '"status":"planned"'),
      /says that container/,
    ],
    [
      "a pod that was not started",
      change("journal.shortened", '"seen":[', '"seen":["pod.exited",'),
      /pod is not ended/,
    ],
  ];
  for (const [name, damaged, message] of cases) {
    const { violations } = verifyJournal(Buffer.from(`${damaged.join("\n")}\n`), "x");
    t.match(violations.map((one) => one.message).join("\n"), message, name);
    t.not(violations.length, 0, name);
  }
});

t.test("what was against the rules is told also when the events are gone", async (t) => {
  const wrong = stamp([
    ...anOrdinaryLife().slice(0, 10),
    { type: "pod.paused" },
    { type: "pod.paused" },
    { type: "pod.resumed" },
    { type: "pod.recovered" },
  ]);
  const bytes = shortenAgainAndAgain(wrong, [{ events: wrong.length, kept: 1 }], PLANNED);
  t.match(verifyJournal(bytes, "x").violations, [{ message: "the pod: paused twice" }]);
});

t.test("the names of requests are remembered, the last ones of them, and their number", async (t) => {
  const asked = Array.from({ length: MOST_REQUESTS + 10 }, (_, index) => ({
    type: "pod.wanted" as const,
    want: "stopped" as const,
    request: `r${index}`,
  }));
  const path = join(t.testdir(), "journal");
  const first = openJournal(path, POD, OUTLINES);
  first.append({ type: "pod.planned" });
  for (const fact of asked) first.append(fact);
  await first.shorten({ events: 5, bytes: MUCH });
  first.close();
  const second = openJournal(path, POD, OUTLINES);
  t.equal(second.requestCount, asked.length);
  t.ok(second.hasRequest("stopped", "r10"));
  t.notOk(second.hasRequest("stopped", "r9"));
  second.close();
});
