// What the journal says and what the file holds are the same, whatever happens while a line is written.

import { appendFileSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { openJournal } from "../../../src/state/journal.ts";
import { makeBareOutline } from "../../../src/state/outline.ts";
import { readEvents } from "../../../src/state/read-journal.ts";
import { anOrdinaryLife, POD, SIDECAR, WEB } from "../../support/journals.ts";

const CONTAINERS = [WEB, SIDECAR].map(makeBareOutline);

t.test("an event is in the file before its listeners hear of it", async (t) => {
  const path = join(t.testdir(), "journal");
  const journal = openJournal(path, POD, CONTAINERS);
  const heard: number[] = [];
  journal.onEvent((event) => {
    t.same(readEvents(path, event.seq - 1), [event]);
    heard.push(event.seq);
  });
  for (const fact of anOrdinaryLife()) journal.append(fact);
  t.same(
    heard,
    anOrdinaryLife().map((_, index) => index + 1),
  );
  journal.close();
});

t.test("a journal opened again knows what the first one knew", async (t) => {
  const path = join(t.testdir(), "journal");
  const first = openJournal(path, POD, CONTAINERS);
  for (const fact of anOrdinaryLife().slice(0, 9)) first.append(fact);
  first.close();
  const second = openJournal(path, POD, CONTAINERS);
  t.same(second.state, first.state);
  t.equal(second.cut, undefined);
  t.ok(second.hasRequest("running", "r1"));
  t.notOk(second.hasRequest("stopped", "r1"), "a request counts for what it asked");
  t.equal(second.append({ type: "pod.recovered" }).seq, 10);
  second.close();
});

t.test("a fact that cannot follow is refused as a bug, and nothing is written", async (t) => {
  const path = join(t.testdir(), "journal");
  const journal = openJournal(path, POD, CONTAINERS);
  t.throws(() => journal.append({ type: "pod.created" }), { code: "BUG" });
  journal.append({ type: "pod.planned" });
  const before = readFileSync(path, "utf8");
  t.throws(() => journal.append({ type: "container.started", container: WEB }), {
    code: "BUG",
    message: "pod shop: container web is planned, so there can be no container.started",
  });
  t.equal(readFileSync(path, "utf8"), before);
  t.equal(journal.state.cursor, 1);
  journal.close();
});

t.test("a torn last line is cut, told, and its number is given again", async (t) => {
  const path = join(t.testdir(), "journal");
  openJournal(path, POD, CONTAINERS).append({ type: "pod.planned" });
  appendFileSync(path, '{"seq":2,"time":"20');
  const journal = openJournal(path, POD, CONTAINERS);
  t.equal(journal.cut, '{"seq":2,"time":"20');
  t.equal(journal.append({ type: "pod.recovered" }).seq, 2);
  t.same(
    readEvents(path, 0).map((event) => event.type),
    ["pod.planned", "pod.recovered"],
  );
  journal.close();
});

t.test("a full disk costs one event, never a half one", async (t) => {
  const path = join(t.testdir(), "journal");
  for (const partBytes of [0, 1, 25]) {
    writeFileSync(path, "");
    let isFull = false;
    const write = (fd: number, line: Buffer): number => {
      if (!isFull) return writeSync(fd, line);
      if (partBytes === 0) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
      return writeSync(fd, line, 0, partBytes);
    };
    const journal = openJournal(path, POD, CONTAINERS, { write });
    journal.append({ type: "pod.planned" });
    const before = { text: readFileSync(path, "utf8"), state: journal.state };
    isFull = true;
    t.throws(() => journal.append({ type: "pod.recovered" }), { code: "OUT_OF_RESOURCES" });
    t.same({ text: readFileSync(path, "utf8"), state: journal.state }, before, `${partBytes} bytes went in`);
    isFull = false;
    t.equal(journal.append({ type: "pod.recovered" }).seq, 2, "it goes on when there is room again");
    journal.close();
  }
});

t.test("a clock that is set back does not make time run backwards", async (t) => {
  const times = ["2026-01-01T00:00:05.000Z", "2026-01-01T00:00:03.000Z", "2026-01-01T00:00:06.000Z"];
  let index = 0;
  const journal = openJournal(join(t.testdir(), "journal"), POD, CONTAINERS, {
    now: () => Date.parse(times[index++] as string),
  });
  t.equal(journal.append({ type: "pod.planned" }).time, times[0]);
  t.equal(journal.append({ type: "pod.recovered" }).time, times[0]);
  t.equal(journal.append({ type: "pod.recovered" }).time, times[2]);
  journal.close();
});

t.test("damage in the middle is told with its line, not skipped", async (t) => {
  const path = join(t.testdir(), "journal");
  const journal = openJournal(path, POD, CONTAINERS);
  for (const fact of anOrdinaryLife()) journal.append(fact);
  journal.close();
  const lines = readFileSync(path, "utf8").split("\n");
  const damages: [name: string, lines: string[], where: RegExp][] = [
    ["a line that is no JSON", lines.with(4, "\0\0\0"), /journal:5: is not an event/],
    ["a line that is missing", lines.toSpliced(4, 1), /journal:5: its number is out of order/],
    ["two lines in the wrong order", lines.with(4, lines[5] ?? "").with(5, lines[4] ?? ""), /journal:5: /],
  ];
  for (const [name, damaged, where] of damages) {
    writeFileSync(path, damaged.join("\n"));
    t.throws(() => openJournal(path, POD, CONTAINERS), { code: "STATE_DAMAGED", message: where }, name);
  }
});
