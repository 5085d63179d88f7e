import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { connect, type Socket } from "node:net";
import { basename, join } from "node:path";
import fc from "fast-check";
import t, { type Test } from "tap";
import { takeFrames } from "../../../src/io/attach-client.ts";
import { isIoAlive, readIoPid } from "../../../src/io/io-process.ts";
import { listLogFiles } from "../../../src/io/log-files.ts";
import type { StreamName } from "../../../src/io/log-line.ts";
import { buildNative } from "../../support/native.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { AnIo } from "./fixtures/an-io.ts";

const home = t.testdir({});
const program = buildNative(home, "peapod-io");
let number = 0;

function anIo(test: Test, logDir?: string): AnIo {
  const io = new AnIo(program, join(home, `io-${++number}`), logDir);
  test.teardown(() => io.end());
  return io;
}

t.test("it builds with the C library's static archive as well", async (test) => {
  mkdirSync(join(home, "cc"));
  test.ok(existsSync(buildNative(join(home, "cc"), "peapod-io", "cc")));
});

t.test("lines of both streams are in the log, in the order in which they were written", async (test) => {
  const io = anIo(test);
  await io.start();
  io.openWriters();
  await io.write("stdout", "one\n");
  await waitUntil("one is in the log", () => io.text.includes("one"));
  await io.write("stderr", "two\n");
  await waitUntil("two is in the log", () => io.text.includes("two"));
  await io.write("stdout", "\nthree\n");
  test.equal(await io.finish(), 0);
  const lines = io.pieces.map(({ stream, partial, bytes }) => [stream, partial, bytes.toString()]);
  test.strictSame(lines, [
    ["stdout", false, "one"],
    ["stderr", false, "two"],
    ["stdout", false, ""],
    ["stdout", false, "three"],
  ]);
  const times = io.pieces.map((piece) => piece.time);
  test.strictSame(times, [...times].sort());
});

t.test("the time is the clock's, in UTC", async (test) => {
  const io = anIo(test);
  await io.start();
  io.openWriters();
  const before = new Date().toISOString();
  await io.write("stdout", "now\n");
  await io.finish();
  const after = new Date().toISOString();
  const time = io.pieces[0]!.time;
  test.ok(
    time.slice(0, 23) >= before.slice(0, 23) && time.slice(0, 23) <= after.slice(0, 23),
    `${before} ${time} ${after}`,
  );
});

t.test("a line is cut after 16 KiB, and one without an end is partial", async (test) => {
  const io = anIo(test);
  await io.start();
  io.openWriters();
  await io.write("stdout", `${"a".repeat(16384)}\n${"b".repeat(16385)}\n${"c".repeat(40000)}\ntail`);
  await io.finish();
  const lines = io.pieces.map(({ partial, bytes }) => `${partial ? "P" : "F"} ${bytes[0]}*${bytes.length}`);
  const [a, b, c, tail] = ["a", "b", "c", "t"].map((letter) => letter.charCodeAt(0));
  test.strictSame(lines, [
    `F ${a}*16384`,
    `P ${b}*16384`,
    `F ${b}*1`,
    `P ${c}*16384`,
    `P ${c}*16384`,
    `F ${c}*7232`,
    `P ${tail}*4`,
  ]);
});

t.test("whatever is written, in whatever chunks, is in the log byte for byte", { timeout: 120_000 }, async () => {
  const chunk = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.array(fc.constantFrom("\n", "a\n", "é", "\0"), { maxLength: 200 }).map((parts) => Buffer.from(parts.join(""))),
    fc.integer({ min: 16000, max: 70000 }).map((length) => Buffer.alloc(length, "x")),
  );
  const chunks = fc.array(fc.tuple(fc.constantFrom<StreamName>("stdout", "stderr"), chunk), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(chunks, async (written) => {
      const io = new AnIo(program, join(home, `random-${++number}`));
      try {
        await io.start();
        io.openWriters();
        for (const [stream, bytes] of written) await io.write(stream, Buffer.from(bytes));
        if ((await io.finish()) !== 0) return false;
        return (["stdout", "stderr"] as const).every((stream) => {
          const sent = Buffer.concat(written.filter(([to]) => to === stream).map(([, bytes]) => bytes));
          return io.written(stream).equals(sent) && io.pieces.every((piece) => piece.bytes.length <= 16384);
        });
      } finally {
        io.end();
        rmSync(io.dir, { recursive: true });
      }
    }),
    { numRuns: 40 },
  );
});

t.test("it waits for the first writer, and ends when both streams have lost their last", async (test) => {
  const io = anIo(test);
  const child = await io.start();
  test.equal(child.exitCode, null);
  io.openWriters();
  io.closeWriters("stderr");
  await io.write("stdout", "still here\n");
  await waitUntil("it is in the log", () => io.text.includes("still here"));
  test.equal(child.exitCode, null);
  test.equal(await io.finish(), 0);
});

t.test("it starts in the background, returns once it reads, and lets go of the caller's descriptors", async (test) => {
  const io = anIo(test);
  const result = spawnSync(io.program, io.args, { encoding: "utf8", cwd: "/proc/self" });
  test.equal(result.status, 0);
  test.equal(result.stderr, "");
  const pid = readIoPid(io.lock)!;
  test.ok(isIoAlive(io.lock));
  test.match(readFileSync(`/proc/${pid}/comm`, "utf8"), "peapod-io\n");
  test.equal(readlinkSync(`/proc/${pid}/cwd`), io.dir);
  test.strictSame(
    [0, 1, 2].map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`)),
    ["/dev/null", "/dev/null", "/dev/null"],
  );
  test.ok(Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) < 1024);
  io.openWriters();
  await io.write("stderr", "hello\n");
  io.closeWriters();
  await waitUntil("io has ended", () => !isIoAlive(io.lock));
  test.match(io.pieces, [{ stream: "stderr" }]);
});

t.test("what keeps it from starting is told in a sentence", async (test) => {
  const io = anIo(test);
  const run = (args: readonly string[]) => spawnSync(io.program, args, { encoding: "utf8" });
  writeFileSync(join(io.dir, "file"), "");
  const bad = run(io.args.map((arg) => (arg === io.path("stderr") ? join(io.dir, "file") : arg)));
  test.equal(bad.status, 1);
  test.match(bad.stderr, /file: is not a FIFO\n$/);
  const nowhere = run(io.args.map((arg) => (arg === io.log ? "/no/such/dir/0.log" : arg)));
  test.equal(nowhere.status, 1);
  test.match(nowhere.stderr, /\/no\/such\/dir: No such file or directory\n$/);
  const source = ["--console", join(io.dir, "console"), "--pid-file", join(io.dir, "pid")];
  const both = run([...io.args, ...source]);
  test.equal(both.status, 2);
  test.match(both.stderr, /either --stdout and --stderr or --console and --pid-file are needed/);
  test.match(run([...io.args, "--stdin", join(io.dir, "stdin")]), { status: 2, stderr: /--keeper is needed/ });
  for (const args of [[], ["--log"], [...io.args, "--what", "1"], [...io.args, "--max-files", "0"]])
    test.equal(run(args).status, 2);
});

t.test("only one io holds a container's lock", async (test) => {
  const io = anIo(test);
  await io.start();
  const second = spawnSync(io.program, io.args, { encoding: "utf8" });
  test.equal(second.status, 1);
  test.match(second.stderr, /another io holds it/);
  test.equal(readIoPid(io.lock), io.child!.pid);
});

t.test("the log is rotated before it grows beyond its size, and no line is lost or cut", async (test) => {
  const io = anIo(test);
  await io.start(["--max-size", "2000", "--max-files", "100"]);
  io.openWriters();
  const lines = Array.from({ length: 500 }, (_, i) => `line ${i} ${"x".repeat(i % 50)}\n`).join("");
  await io.write("stdout", lines);
  await io.write("stderr", `${"y".repeat(5000)}\n`);
  test.equal(await io.finish(), 0);
  test.equal(io.written("stdout").toString(), lines);
  const files = listLogFiles(io.log);
  test.ok(files.length > 10);
  const sizes = files.map((path) => statSync(path).size);
  test.equal(sizes.filter((size) => size > 2000).length, 1, "only the file of one long line is larger");
});

t.test("of the rotated files the oldest go", async (test) => {
  for (const keep of [1, 3]) {
    const io = anIo(test);
    await io.start(["--max-size", "1000", "--max-files", String(keep)]);
    io.openWriters();
    await io.write("stdout", Array.from({ length: 300 }, (_, i) => `line ${i}\n`).join(""));
    await io.finish();
    test.strictSame(
      listLogFiles(io.log).map((path) => basename(path)),
      keep === 1 ? ["0.log"] : ["0.log.2", "0.log.1", "0.log"],
    );
    test.match(io.pieces.at(-1)!.bytes.toString(), "line 299");
    const numbers = io.pieces.map((piece) => Number(piece.bytes.toString().slice(5)));
    test.strictSame(
      numbers,
      Array.from({ length: numbers.length }, (_, i) => 300 - numbers.length + i),
    );
  }
});

t.test("after SIGTERM it writes what the pipes hold, and goes", async (test) => {
  const io = anIo(test);
  const child = await io.start();
  io.openWriters();
  child.kill("SIGSTOP");
  const text = "in the pipe\n".repeat(3000);
  await io.write("stdout", text);
  await io.write("stderr", "no newline");
  child.kill("SIGTERM");
  child.kill("SIGCONT");
  test.equal(await io.ended(), 0);
  test.equal(io.written("stdout").toString(), text);
  test.equal(io.written("stderr").toString(), "no newline");
});

t.test("an io that takes over closes the torn line, says so in the log, and goes on", async (test) => {
  const io = anIo(test);
  await io.start();
  io.openWriters();
  await io.write("stdout", "before\n");
  await waitUntil("it is in the log", () => io.text.includes("before"));
  io.child!.kill("SIGKILL");
  await io.ended();
  appendFileSync(io.log, "2026-11-22T10:00:00.123456789Z stdout F to");
  await io.write("stdout", "meanwhile\n");
  await io.start(["--resumed"]);
  await waitUntil("it has taken over", () => io.text.includes("io restarted"));
  await io.write("stdout", "after\n");
  test.equal(await io.finish(), 0);
  const lines = io.pieces.map(({ restarted, stream, bytes }) => `${restarted} ${stream} ${bytes}`);
  test.strictSame(lines, [
    "false stdout before",
    "false stdout to",
    "true stderr peapod: io restarted, up to 65536 bytes of output may be missing",
    "false stdout meanwhile",
    "false stdout after",
  ]);
});

t.test("an io that takes over when all writers are gone tells so and ends", async (test) => {
  const io = anIo(test);
  await io.start(["--resumed"]);
  test.equal(await io.ended(), 0);
  test.match(io.pieces, [{ restarted: true }]);
  test.match(io.text, /up to 196608 bytes/);
});

const isRoot = process.getuid?.() === 0;
t.test(
  "with a full disk the container waits, and nothing is lost",
  { skip: !isRoot && "needs root for a tmpfs" },
  async (test) => {
    const small = join(home, "small");
    mkdirSync(small);
    spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", small]);
    test.teardown(() => void spawnSync("umount", ["-l", small]));
    const io = anIo(test, small);
    const child = await io.start();
    const filler = join(small, "filler");
    spawnSync("sh", ["-c", `head -c 45000 /dev/zero >${filler}`]);
    io.openWriters();
    const sent: string[] = [];
    let line = 0;
    // As much as goes: the disk's rest, io's buffers and the pipe; then it must come to a stand.
    const before = () => `${"x".repeat(90)} ${line}\n`;
    for (; line < 600; line += 1) sent.push(before());
    await io.write("stdout", sent.join(""));
    let extra = 0;
    while (!io.isFull("stdout") && extra < 100) extra += 1;
    test.ok(extra < 100, "the pipe is full");
    test.equal(child.exitCode, null);
    spawnSync("mount", ["-o", "remount,size=10m", small]);
    test.equal(await io.finish(), 0);
    test.equal(io.written("stdout").toString(), sent.join("") + "x".repeat(4096 * extra));
    spawnSync("umount", [small]);
  },
);

t.test(
  "a full disk does not keep it from ending at SIGTERM, but its exit code tells the loss",
  { skip: !isRoot && "needs root for a tmpfs" },
  async (test) => {
    const small = join(home, "smaller");
    mkdirSync(small);
    spawnSync("mount", ["-t", "tmpfs", "-o", "size=4k", "tmpfs", small]);
    test.teardown(() => void spawnSync("umount", ["-l", small]));
    const io = anIo(test, small);
    const child = await io.start();
    io.openWriters();
    await io.write("stdout", "x".repeat(30_000));
    child.kill("SIGTERM");
    test.equal(await io.ended(), 1);
  },
);

interface Frame {
  readonly stream: number;
  readonly text: string;
  readonly bytes: Buffer;
}

function parseFrames(all: Buffer): Frame[] {
  const frames: Frame[] = [];
  takeFrames(all, (stream, bytes) => frames.push({ stream, text: bytes.toString("latin1"), bytes }));
  return frames;
}

async function attachTo(path: string): Promise<{ socket: Socket; received: Buffer[] }> {
  const received: Buffer[] = [];
  const socket = connect(path);
  socket.on("error", () => undefined);
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.on("data", (bytes: Buffer) => received.push(bytes));
  return { socket, received };
}

t.test("attach clients get what comes from then on, framed, and may come and go", async (test) => {
  const io = anIo(test);
  const path = join(io.dir, "attach.sock");
  await io.start(["--attach", path]);
  test.equal(statSync(path).mode & 0o777, 0o600);
  io.openWriters();
  await io.write("stdout", "before\n");
  await waitUntil("it is in the log", () => io.text.includes("before"));
  const one = await attachTo(path);
  const two = await attachTo(path);
  two.socket.destroy();
  await io.write("stdout", "for the client");
  await waitUntil("it came", () => Buffer.concat(one.received).length >= 7 + 5 + 14);
  await io.write("stderr", "an error\n");
  await waitUntil("it came", () => Buffer.concat(one.received).length >= 7 + 5 + 14 + 5 + 9);
  const closed = new Promise((resolve) => one.socket.once("close", resolve));
  test.equal(await io.finish(), 0);
  await closed;
  const frames = parseFrames(Buffer.concat(one.received)).map(({ stream, text }) => [stream, text]);
  test.strictSame(frames, [
    [5, "\u0001\u0000"],
    [1, "for the client"],
    [2, "an error\n"],
    [7, ""],
  ]);
});

t.test("a client that does not read is passed over, told so, and stalls nobody", async (test) => {
  const io = anIo(test);
  const path = join(io.dir, "attach.sock");
  await io.start(["--attach", path]);
  io.openWriters();
  const slow = connect(path);
  slow.on("error", () => undefined);
  await new Promise((resolve) => slow.once("connect", resolve));
  slow.pause();
  const text = `${"z".repeat(99)}\n`.repeat(120_000);
  await io.write("stdout", text);
  await waitUntil("all is in the log", () => io.written("stdout").length === text.length);
  const received: Buffer[] = [];
  slow.on("data", (bytes: Buffer) => received.push(bytes));
  slow.resume();
  const closed = new Promise((resolve) => slow.once("close", resolve));
  const told = () => parseFrames(Buffer.concat(received));
  await waitUntil("it is told", () => told().some(({ stream }) => stream === 6));
  await io.write("stdout", "and now\n");
  test.equal(await io.finish(), 0);
  await closed;
  const shown = told().flatMap(({ stream, text }) => (stream === 1 ? [text] : []));
  const skipped = told().flatMap(({ stream, bytes }) => (stream === 6 ? [Number(bytes.readBigUInt64BE())] : []));
  const sum = skipped.reduce((all, one) => all + one, 0);
  test.equal(shown.join("").length + sum, text.length + 8, "what was not sent was counted");
  test.equal(shown.at(-1), "and now\n");
  test.equal(told().at(-1)?.stream, 7, "the end was told");
});

t.test("an attach path longer than a socket's name may be is no trouble", async (test) => {
  const io = anIo(test);
  const deep = join(io.dir, "d".repeat(100));
  mkdirSync(deep);
  await io.start(["--attach", join(deep, "attach.sock")]);
  test.ok(statSync(join(deep, "attach.sock")).isSocket());
});
