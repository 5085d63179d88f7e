import { appendFileSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { formatLogLine, type StreamName } from "../../../src/io/log-line.ts";
import { type LogLine, type LogRequest, readLog } from "../../../src/io/log-reader.ts";
import { buildNative } from "../../support/native.ts";
import { AnIo } from "./fixtures/an-io.ts";

let clock = 0;

/** A line as io writes it, each one nanosecond after the last. `P`: it goes on. */
function line(text: string, tag: "F" | "P" | "F:restarted" = "F", stream: StreamName = "stdout"): string {
  clock += 1;
  const time = `2026-11-22T10:00:00.${String(clock).padStart(9, "0")}Z`;
  const bytes = Buffer.from(text);
  return formatLogLine({ time, stream, partial: tag === "P", restarted: tag === "F:restarted", bytes }).toString();
}

function timeOf(text: string): string {
  return text.slice(0, 30);
}

function aLog(test: Test, files: Record<string, string>): string {
  return join(test.testdir(files), "0.log");
}

async function readAll(request: LogRequest): Promise<string[]> {
  const texts: string[] = [];
  for await (const { text } of readLog(request)) texts.push(text);
  return texts;
}

/** Takes lines one at a time, as they come. */
function follow(request: LogRequest) {
  const lines = readLog(request);
  return {
    next: async () => ((await lines.next()).value as LogLine | undefined)?.text,
    rest: async () => {
      const texts: string[] = [];
      for await (const { text } of lines) texts.push(text);
      return texts;
    },
  };
}

/** A container's end, to be told when the test wants it. */
function anEnd(): { until: Promise<void>; tell: () => void } {
  let tell: () => void = () => undefined;
  const until = new Promise<void>((resolve) => {
    tell = resolve;
  });
  return { until, tell };
}

t.test("rotated files come first, the oldest at the head", async (test) => {
  const path = aLog(test, {
    "0.log.10": line("a"),
    "0.log.2": line("b"),
    "0.log.1": line("c"),
    "0.log": line("d"),
    "0.log.new": line("no"),
    "0.log.old": line("no"),
    "1.log": line("no"),
  });
  test.strictSame(await readAll({ path }), ["a", "b", "c", "d"]);
});

t.test("a log that is not there has no lines", async (test) => {
  test.strictSame(await readAll({ path: join(test.testdir({}), "none", "0.log") }), []);
});

t.test(
  "pieces of a line become one, each stream for itself and over files' ends, cut characters included",
  async (test) => {
    const euro = Buffer.from("€");
    const half = (bytes: Buffer) => line("", "P").replace("P \n", `P ${bytes.toString("latin1")}\n`);
    const path = aLog(test, {});
    writeFileSync(`${path}.1`, Buffer.from(half(euro.subarray(0, 2)) + line("error", "F", "stderr"), "latin1"));
    writeFileSync(
      path,
      Buffer.from(`${line("", "F").slice(0, -1)}${euro.subarray(2).toString("latin1")} end\n`, "latin1"),
    );
    const lines: LogLine[] = [];
    for await (const one of readLog({ path })) lines.push(one);
    test.match(lines, [
      { stream: "stderr", text: "error", partial: false },
      { stream: "stdout", text: "€ end", partial: false },
    ]);
  },
);

t.test("a line without an end is a line when nothing can come any more", async (test) => {
  const path = aLog(test, { "0.log": line("one") + line("two ", "P") + line("and more", "P") });
  test.strictSame(await readAll({ path }), ["one", "two and more"]);
});

t.test("a line of more than a mebibyte comes in parts that say so", async (test) => {
  const piece = "x".repeat(16384);
  const path = aLog(test, { "0.log": line(piece, "P").repeat(65) + line("end") });
  const lines: LogLine[] = [];
  for await (const one of readLog({ path })) lines.push(one);
  test.strictSame(
    lines.map((one) => [one.text.length, one.partial]),
    [
      [1024 * 1024, true],
      [16384 + 3, false],
    ],
  );
});

t.test("a restart of io is told apart, and ends what was open before it", async (test) => {
  const path = aLog(test, { "0.log": line("open", "P") + line("restarted", "F:restarted", "stderr") + line("new") });
  const lines: LogLine[] = [];
  for await (const one of readLog({ path })) lines.push(one);
  test.strictSame(
    lines.map((one) => [one.text, one.restarted]),
    [
      ["open", false],
      ["restarted", true],
      ["new", false],
    ],
  );
});

t.test("torn lines are passed over", async (test) => {
  const path = aLog(test, { "0.log": `${line("one")}2026-11-2\n\n${line("two")}${line("three").slice(0, -1)}` });
  test.strictSame(await readAll({ path }), ["one", "two"]);
});

t.test("since and tail choose", async (test) => {
  const texts = ["a", "b", "c", "d"].map((text) => line(text));
  const path = aLog(test, { "0.log.1": texts.slice(0, 2).join(""), "0.log": texts.slice(2).join("") });
  test.strictSame(await readAll({ path, since: timeOf(texts[1]!) }), ["b", "c", "d"]);
  test.strictSame(await readAll({ path, tail: 3 }), ["b", "c", "d"]);
  test.strictSame(await readAll({ path, tail: 9 }), ["a", "b", "c", "d"]);
  test.strictSame(await readAll({ path, tail: 0 }), []);
  test.strictSame(await readAll({ path, tail: 1, since: timeOf(texts[1]!) }), ["d"]);
  test.strictSame(await readAll({ path, since: "9999" }), []);
});

t.test("tail keeps little of a long log", async (test) => {
  const path = aLog(test, { "0.log": Array.from({ length: 5000 }, (_, i) => line(String(i))).join("") });
  test.strictSame(await readAll({ path, tail: 2 }), ["4998", "4999"]);
});

t.test(
  "following gives lines as they come, tail counts only those that were there, and the end is the container's",
  async (test) => {
    const path = aLog(test, { "0.log": line("a") + line("b") });
    const end = anEnd();
    const lines = follow({ path, tail: 1, until: end.until });
    test.equal(await lines.next(), "b");
    appendFileSync(path, line("c") + line("d").slice(0, 20));
    test.equal(await lines.next(), "c");
    rmSync(path);
    writeFileSync(path, line("e"));
    test.equal(await lines.next(), "e");
    appendFileSync(path, line("f") + line("no end", "P"));
    end.tell();
    test.strictSame(await lines.rest(), ["f", "no end"]);
  },
);

t.test("following waits for a log and a directory that are not there yet", async (test) => {
  const path = join(test.testdir({}), "web", "0.log");
  const end = anEnd();
  const lines = follow({ path, until: end.until });
  const first = lines.next();
  mkdirSync(join(path, ".."));
  writeFileSync(path, line("a"));
  test.equal(await first, "a");
  end.tell();
  test.strictSame(await lines.rest(), []);
});

t.test("following goes on through rotations, also when several came at once", async (test) => {
  const path = aLog(test, { "0.log": line("a") });
  const end = anEnd();
  const lines = follow({ path, until: end.until });
  test.equal(await lines.next(), "a");
  const rotate = () => {
    for (let i = 3; i > 0; i -= 1) if (existsSync(`${path}.${i}`)) renameSync(`${path}.${i}`, `${path}.${i + 1}`);
    renameSync(path, `${path}.1`);
  };
  appendFileSync(path, line("b"));
  rotate();
  writeFileSync(path, line("c"));
  rotate();
  writeFileSync(path, line("d"));
  rotate();
  writeFileSync(path, line("e"));
  end.tell();
  test.strictSame(await lines.rest(), ["b", "c", "d", "e"]);
});

t.test("following ends quietly when it is aborted, waiting or not", async (test) => {
  const path = aLog(test, { "0.log": line("a") });
  const abort = new AbortController();
  const lines = follow({ path, until: new Promise(() => undefined), signal: abort.signal });
  test.equal(await lines.next(), "a");
  const waiting = lines.next();
  abort.abort();
  test.equal(await waiting, undefined);
  test.strictSame(await readAll({ path, until: new Promise(() => undefined), signal: abort.signal }), []);
});

t.test("a reader that leaves in the middle leaves nothing open", async (test) => {
  const path = aLog(test, { "0.log": line("a") + line("b") });
  for await (const { text } of readLog({ path, until: new Promise(() => undefined) })) {
    test.equal(text, "a");
    break;
  }
});

t.test("all that a real io writes and rotates meanwhile is followed", async (test) => {
  const home = test.testdir({});
  const io = new AnIo(buildNative(home, "peapod-io"), join(home, "io"));
  test.teardown(() => io.end());
  // Enough files that none goes before the reader has come to it.
  await io.start(["--max-size", "5000", "--max-files", "200"]);
  const reading = readAll({ path: io.log, until: io.ended() });
  io.openWriters();
  const expected = Array.from({ length: 3000 }, (_, i) => `line ${i}`);
  for (let i = 0; i < expected.length; i += 100) await io.write("stdout", `${expected.slice(i, i + 100).join("\n")}\n`);
  await io.finish();
  test.strictSame(await reading, expected);
});
