import t from "tap";
import { mergeLogs } from "../../../../src/doors/cli/merge-logs.ts";
import type { LogEntry } from "../../../../src/engine/engine.ts";
import { aLine } from "../../../support/cli-world.ts";

async function* yieldAll(entries: readonly LogEntry[], pause = false): AsyncGenerator<LogEntry> {
  for (const entry of entries) {
    if (pause) await new Promise(setImmediate);
    yield entry;
  }
}

const at = (...times: number[]) => times.map((time) => aLine(String(time), { time: String(time) }));

async function collect(merged: AsyncIterable<{ entry: LogEntry }>): Promise<string[]> {
  const texts: string[] = [];
  for await (const { entry } of merged) texts.push(entry.text);
  return texts;
}

t.test("finished logs come in the order of their times, however slowly they are read", async (t) => {
  const logs = [
    { container: "a", entries: yieldAll(at(1, 4, 5), true) },
    { container: "b", entries: yieldAll(at(2, 3, 6)) },
    { container: "c", entries: yieldAll([]) },
  ];
  t.same(await collect(mergeLogs(logs, { waitForAll: true })), ["1", "2", "3", "4", "5", "6"]);
  t.same(await collect(mergeLogs([], { waitForAll: true })), []);
});

t.test("a followed log that is silent holds nobody up, and nothing is lost at its end", async (t) => {
  let speak: () => void = () => {};
  const spoken = new Promise<void>((resolve) => {
    speak = resolve;
  });
  async function* silent() {
    await spoken;
    yield* at(9);
  }
  const merged = mergeLogs(
    [
      { container: "silent", entries: silent() },
      { container: "b", entries: yieldAll(at(1, 2)) },
    ],
    { waitForAll: false },
  );
  t.equal((await merged.next()).value?.entry.text, "1");
  t.equal((await merged.next()).value?.entry.text, "2");
  speak();
  t.equal((await merged.next()).value?.entry.text, "9");
  t.ok((await merged.next()).done);
});

t.test("one that fails fails the whole, and the others are told to end", async (t) => {
  let isEnded = false;
  async function* good() {
    try {
      yield* at(1, 2, 3);
    } finally {
      isEnded = true;
    }
  }
  async function* bad() {
    yield* at(1);
    throw new Error("log gone");
  }
  const logs = [
    { container: "good", entries: good() },
    { container: "bad", entries: bad() },
  ];
  await t.rejects(collect(mergeLogs(logs, { waitForAll: true })), /log gone/);
  await new Promise(setImmediate);
  t.ok(isEnded);
});
