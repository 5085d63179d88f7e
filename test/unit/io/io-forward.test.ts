// The second way of src/io/io.c: a container's output goes to somebody else's stdout and stderr.

import { spawn, spawnSync } from "node:child_process";
import { readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import t, { type Test } from "tap";
import { isIoAlive, readIoPid, waitForIoEnd } from "../../../src/io/io-process.ts";
import { startIo } from "../../../src/io/start-io.ts";
import { buildNative } from "../../support/native.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { AFifo } from "./fixtures/a-fifo.ts";
import { AnIo } from "./fixtures/an-io.ts";

const home = t.testdir({});
const program = buildNative(home, "peapod-io");
let number = 0;

function aFifo(test: Test): AFifo {
  const fifo = new AFifo(join(home, `fifo-${++number}`));
  test.teardown(() => fifo.close());
  return fifo;
}

interface Forwarding {
  readonly io: AnIo;
  readonly stdout: AFifo;
  readonly stderr: AFifo;
}

/** Has its writers from the start. */
async function aForwardingIo(test: Test, prefix?: string, more: readonly string[] = []): Promise<Forwarding> {
  const [stdout, stderr] = [aFifo(test), aFifo(test)];
  const io = anIo(test, stdout.path, stderr.path, prefix);
  io.openWriters();
  await io.start(more);
  return { io, stdout, stderr };
}

function anIo(test: Test, stdout: string, stderr: string, prefix?: string): AnIo {
  const io = new AnIo(program, join(home, `io-${++number}`));
  io.output = ["--forward-stdout", stdout, "--forward-stderr", stderr];
  if (prefix !== undefined) io.output = [...io.output, "--prefix", prefix];
  test.teardown(() => io.end());
  return io;
}

/** Reads all the while, as the pipe would be full otherwise. */
async function readToEnd(io: AnIo, ...fifos: readonly AFifo[]): Promise<number | string | null> {
  io.closeWriters();
  let end: number | string | null | undefined;
  void io.ended().then((result) => {
    end = result;
  });
  await waitUntil("io has ended", () => {
    for (const fifo of fifos) fifo.read();
    return end !== undefined;
  });
  for (const fifo of fifos) fifo.read();
  return end!;
}

t.test("each stream goes to its own place, with the prefix before each line", async (test) => {
  const { io, stdout, stderr } = await aForwardingIo(test, "web | ");
  await io.write("stdout", "one\n\ntwo\nthr");
  await io.write("stderr", "an error\n");
  await io.write("stdout", "ee\n");
  test.equal(await readToEnd(io, stdout, stderr), 0);
  test.equal(stdout.text, "web | one\nweb | \nweb | two\nweb | three\n");
  test.equal(stderr.text, "web | an error\n");
});

t.test("lines of two io on one pipe stay whole", { timeout: 120_000 }, async (test) => {
  const shared = aFifo(test);
  const names = ["web", "sidecar"];
  const ios = names.map((name) => anIo(test, shared.path, shared.path, `${name} | `));
  for (const io of ios) io.openWriters();
  await Promise.all(ios.map((io) => io.start()));
  const ends: (number | string | null)[] = [];
  // Of every length up to that of an undivided write, with the prefix.
  const line = (i: number) => `${i} ${"x".repeat((i * 37) % 4070)}\n`;
  for (const io of ios) {
    const lines = Array.from({ length: 1000 }, (_, i) => line(i)).join("");
    void io.write("stdout", lines).then(async () => {
      io.closeWriters();
      ends.push(await io.ended());
    });
  }
  await waitUntil("both have ended", () => {
    shared.read();
    return ends.length === ios.length;
  });
  test.strictSame(ends, [0, 0]);
  const came = shared.text.split("\n");
  for (const name of names) {
    const own = came.filter((text) => text.startsWith(`${name} | `));
    test.ok(
      own.every((text, i) => `${text}\n` === `${name} | ${line(i)}`),
      `every line of ${name} is whole and in order`,
    );
    test.equal(own.length, 1000);
  }
  test.equal(came.length, 2001, "there is nothing else");
});

t.test("a long line has one prefix, however many pieces it comes in", async (test) => {
  const { io, stdout } = await aForwardingIo(test, "web | ");
  const lengths = [4089, 4090, 4091, 16383, 16384, 16385, 32767, 32768, 32769, 200_000, 1];
  const lines = lengths.map((length, i) => "abcdefghijk".charAt(i).repeat(length));
  const wrote = io.write("stdout", lines.map((line) => `${line}\n`).join(""));
  const expected = lines.map((line) => `web | ${line}\n`).join("");
  await waitUntil("all came", () => stdout.read() === 0 && stdout.bytes.length >= expected.length);
  await wrote;
  test.equal(await readToEnd(io, stdout), 0);
  test.ok(stdout.text === expected);
});

t.test("a last line without an end gets one, a finished one does not", async (test) => {
  const { io, stdout, stderr } = await aForwardingIo(test, "web | ");
  await io.write("stdout", "one\nno end");
  await io.write("stderr", "an end\n");
  test.equal(await readToEnd(io, stdout, stderr), 0);
  test.equal(stdout.text, "web | one\nweb | no end\n");
  test.equal(stderr.text, "web | an end\n");
});

t.test("a prompt is shown soon, and what follows is the same line", async (test) => {
  const { io, stdout, stderr } = await aForwardingIo(test, "web | ");
  await io.write("stdout", "before\nname: ");
  // The other stream has much to say meanwhile.
  const busy = setInterval(() => void io.write("stderr", "busy\n"), 5);
  test.teardown(() => clearInterval(busy));
  const start = Date.now();
  await stdout.waitFor("web | before\nweb | name: ");
  test.ok(Date.now() - start < 2000, "soon");
  await io.write("stdout", "Ada");
  await stdout.waitFor("Ada");
  await io.write("stdout", "\nhello\nagain: ");
  await stdout.waitFor("again");
  clearInterval(busy);
  test.equal(await readToEnd(io, stdout, stderr), 0);
  test.equal(stdout.text, "web | before\nweb | name: Ada\nweb | hello\nweb | again: \n");
  test.match(stderr.text, /^(web \| busy\n)*$/);
});

t.test("a line that comes in two halves at once is written as one", async (test) => {
  const { io, stdout } = await aForwardingIo(test, "web | ");
  const start = Date.now();
  await io.write("stdout", "one ");
  await sleep(10);
  const seen = stdout.text;
  // On a machine under load a prompt's time may be over already.
  if (Date.now() - start < 90) test.equal(seen, "", "nothing yet");
  await io.write("stdout", "line\n");
  await stdout.waitFor("web | one line\n");
});

t.test("without a prefix bytes go through at once, unchanged and complete", async (test) => {
  const { io, stdout, stderr } = await aForwardingIo(test);
  const times: number[] = [];
  for (let i = 0; i < 5; i += 1) {
    const start = Date.now();
    await io.write("stdout", `no newline ${i} `);
    await stdout.waitFor(`no newline ${i} `);
    times.push(Date.now() - start);
  }
  test.ok(Math.min(...times) < 90, "before a prompt's time is over");
  const before = stdout.bytes;
  const noise = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * i * 31 + (i >> 7)) & 255));
  const wrote = Promise.all([io.write("stdout", noise), io.write("stderr", noise.subarray(0, 50_000))]);
  await waitUntil("all came", () => {
    stdout.read();
    stderr.read();
    return stdout.bytes.length === before.length + noise.length && stderr.bytes.length === 50_000;
  });
  await wrote;
  test.equal(await readToEnd(io, stdout, stderr), 0);
  test.ok(stdout.bytes.equals(Buffer.concat([before, noise])));
  test.ok(stderr.bytes.equals(noise.subarray(0, 50_000)));
});

for (const prefix of [undefined, "web | "]) {
  const how = prefix === undefined ? "without a prefix" : "with a prefix";
  t.test(`a reader that is gone stops neither the container nor the other stream, ${how}`, async (test) => {
    const { io, stdout, stderr } = await aForwardingIo(test, prefix);
    await io.write("stdout", "seen\n");
    await stdout.waitFor("seen");
    stdout.close();
    // More than all pipes and buffers hold.
    await io.write("stdout", "unseen\n".repeat(100_000));
    await io.write("stderr", "still here\n");
    await stderr.waitFor("still here");
    test.equal(io.child!.exitCode, null);
    test.equal(await readToEnd(io, stderr), 0);
  });
}

t.test("a reader who goes while the pipe is full sets the container free", async (test) => {
  const { io, stdout } = await aForwardingIo(test, "web | ");
  const wrote = await writeUntilItWaits(test, io, "line\n".repeat(100_000));
  stdout.close();
  await wrote.whole;
  test.equal(await readToEnd(io), 0);
});

t.test("a reader who comes back misses what is written before, and nothing after", async (test) => {
  const { io, stdout, stderr } = await aForwardingIo(test, "web | ");
  stdout.close();
  await io.write("stdout", "unseen\n");
  // The same round looks after stdout first.
  await io.write("stderr", "later\n");
  await stderr.waitFor("later");
  stdout.open();
  await io.write("stdout", "seen\n");
  await stdout.waitFor("web | seen\n");
  test.equal(stdout.text, "web | seen\n");
});

t.test("it starts where nobody reads", async (test) => {
  const fifo = aFifo(test);
  fifo.close();
  const io = anIo(test, fifo.path, fifo.path, "web | ");
  io.openWriters();
  await io.start();
  await io.write("stdout", "unseen\n".repeat(30_000));
  test.equal(await io.finish(), 0);
});

t.test("a slow reader makes the container wait, its other stream goes on, and nothing is lost", async (test) => {
  const { io, stdout, stderr } = await aForwardingIo(test, "web | ");
  const line = "x".repeat(99);
  const wrote = await writeUntilItWaits(test, io, `${line}\n`.repeat(40_000));
  await io.write("stderr", "an error\n");
  await stderr.waitFor("web | an error\n");
  const start = Date.now();
  const expected = `web | ${line}\n`.repeat(40_000);
  await waitUntil("all came", () => stdout.read() === 0 && stdout.bytes.length >= expected.length);
  // A pipe five times a second would be 13 s.
  test.ok(Date.now() - start < 8000, "as soon as there is room");
  await wrote.whole;
  test.equal(await readToEnd(io, stdout, stderr), 0);
  test.ok(stdout.text === expected);
});

/** `text`: more than all pipes and buffers hold. */
async function writeUntilItWaits(test: Test, io: AnIo, text: string): Promise<{ readonly whole: Promise<void> }> {
  let isWritten = false;
  const whole = io.write("stdout", text).then(() => {
    isWritten = true;
  });
  await sleep(300);
  test.notOk(isWritten, "the container waits");
  return { whole };
}

t.test("after SIGTERM it writes what the pipes hold, as fast as a slow reader takes it, and goes", async (test) => {
  const { io, stdout, stderr } = await aForwardingIo(test, "web | ");
  io.child!.kill("SIGSTOP");
  await io.write("stdout", "in the pipe\n".repeat(5000));
  await io.write("stderr", "no newline");
  io.child!.kill("SIGTERM");
  io.child!.kill("SIGCONT");
  let end: number | string | null | undefined;
  void io.ended().then((result) => {
    end = result;
  });
  await waitUntil("it has ended", () => {
    stdout.read(20_000);
    return end !== undefined;
  });
  test.equal(end, 0);
  test.equal(stdout.text, "web | in the pipe\n".repeat(5000));
  test.equal(stderr.text, "web | no newline\n");
});

t.test("a reader that does not read does not keep it from ending at SIGTERM, but the exit code tells", async (test) => {
  const { io, stderr } = await aForwardingIo(test, "web | ");
  // More than the forward's pipe holds, and no more than the container's.
  await io.write("stdout", "x\n".repeat(20_000));
  await io.write("stderr", "an error");
  const start = Date.now();
  io.child!.kill("SIGTERM");
  test.equal(await io.ended(), 1);
  test.ok(Date.now() - start < 1900, "before SIGKILL would come");
  test.equal(stderr.text, "web | an error\n");
});

t.test("a file is written at its end, by whatever name it is given", async (test) => {
  const file = join(home, "file");
  writeFileSync(file, "before\n");
  const holder = spawn("sleep", ["1000"], { stdio: ["ignore", "ignore", "ignore"] });
  test.teardown(() => holder.kill("SIGKILL"));
  const holding = spawn("sh", ["-c", 'exec 3>>"$1"; exec sleep 1000', "sh", file], { stdio: "ignore" });
  test.teardown(() => holding.kill("SIGKILL"));
  const name = `/proc/${holding.pid}/fd/3`;
  await waitUntil("it is open", () => isLink(name, file));
  const io = anIo(test, name, name, "web | ");
  io.openWriters();
  await io.start();
  await io.write("stdout", "one\n");
  await io.write("stderr", "two\n");
  test.equal(await io.finish(), 0);
  test.match(readFileSync(file, "utf8"), /^before\n(web \| one\nweb \| two|web \| two\nweb \| one)\n$/);
});

function isLink(path: string, target: string): boolean {
  try {
    return readlinkSync(path) === target;
  } catch {
    return false;
  }
}

t.test("a terminal takes lines, and may hang up", async (test) => {
  const script = spawn("script", ["-qc", "tty; stty raw -echo; exec sleep 1000", "/dev/null"], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  test.teardown(() => script.kill("SIGKILL"));
  let seen = "";
  script.stdout.on("data", (text: Buffer) => {
    seen += text.toString();
  });
  await waitUntil("there is a terminal", () => /^\/dev\/pts\/\d+\r?\n/.test(seen));
  const tty = /^\S+/.exec(seen)![0];
  const io = anIo(test, tty, tty, "web | ");
  test.equal(spawnSync(io.program, io.args).status, 0);
  io.openWriters();
  await io.write("stdout", "hello\n");
  await waitUntil("it came", () => seen.includes("web | hello\n") || seen.includes("web | hello\r\n"));
  script.kill("SIGKILL");
  // More than all pipes and buffers hold.
  await io.write("stdout", "unseen\n".repeat(30_000));
  io.closeWriters();
  await waitForIoEnd(io.lock);
});

t.test("a socket is its owner's, takes lines, makes the container wait, and may lose its reader", async (test) => {
  // Node gives its children sockets for pipes.
  const owner = spawn("sleep", ["1000"], { stdio: ["ignore", "pipe", "pipe"] });
  test.teardown(() => owner.kill("SIGKILL"));
  const io = anIo(test, `/proc/${owner.pid}/fd/1`, `/proc/${owner.pid}/fd/2`, "web | ");
  io.openWriters();
  await io.start();
  const wrote = await writeUntilItWaits(test, io, "line\n".repeat(200_000));
  let came = "";
  owner.stdout.on("data", (text: Buffer) => {
    came += text.toString();
  });
  await wrote.whole;
  const expected = "web | line\n".repeat(200_000);
  await waitUntil("all came", () => came.length >= expected.length);
  test.ok(came === expected);
  owner.stderr.destroy();
  await io.write("stderr", "unseen\n".repeat(100_000));
  test.equal(await io.finish(), 0);
});

t.test("in the background it holds nobody's directory, and its memory is small", async (test) => {
  const [stdout, stderr] = [aFifo(test), aFifo(test)];
  const io = anIo(test, stdout.procPath, stderr.procPath, "web | ");
  test.equal(spawnSync(io.program, io.args, { cwd: io.dir }).status, 0);
  const pid = readIoPid(io.lock)!;
  io.openWriters();
  await io.write("stdout", "x\n".repeat(10_000));
  stdout.read();
  test.equal(readlinkSync(`/proc/${pid}/cwd`), "/");
  test.ok(Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) < 1024);
});

t.test("one that takes over says so on stderr, with the prefix, and goes on", async (test) => {
  for (const prefix of [undefined, "web | "]) {
    const { io, stdout, stderr } = await aForwardingIo(test, prefix);
    await io.write("stdout", "before\n");
    await stdout.waitFor("before\n");
    io.child!.kill("SIGKILL");
    await io.ended();
    await io.write("stderr", "meanwhile\n");
    await io.start(["--resumed"]);
    await io.write("stdout", "after\n");
    test.equal(await readToEnd(io, stdout, stderr), 0);
    const head = prefix ?? "";
    test.equal(stdout.text, `${head}before\n${head}after\n`);
    const notice = `${head}(peapod: io restarted, up to 65536 bytes of output may be missing)\n`;
    test.equal(stderr.text, `${notice}${head}meanwhile\n`);
  }
});

t.test("started by startIo, with a prefix that looks like a flag", async (test) => {
  const [stdout, stderr] = [aFifo(test), aFifo(test)];
  const io = anIo(test, stdout.path, stderr.path);
  const { pid } = await startIo({
    program,
    output: { kind: "forward", stdout: stdout.procPath, stderr: stderr.procPath, prefix: "--lock" },
    lock: io.lock,
    source: { kind: "fifos", stdout: io.path("stdout"), stderr: io.path("stderr") },
  });
  test.equal(readIoPid(io.lock), pid);
  io.openWriters();
  await io.write("stdout", "one\n");
  io.closeWriters();
  await waitForIoEnd(io.lock);
  test.notOk(isIoAlive(io.lock));
  test.equal(stdout.text, "--lockone\n");
});

t.test("exactly one output must be named, and it must be one that can be opened", async (test) => {
  const io = anIo(test, "/dev/null", "/dev/null");
  const rest = io.args.slice(io.output.length);
  const status = (...output: readonly string[]) => spawnSync(io.program, [...output, ...rest]).status;
  test.equal(status(), 2);
  test.equal(status("--forward-stdout", "/dev/null"), 2);
  test.equal(status("--forward-stderr", "/dev/null"), 2);
  test.equal(status("--log", io.log, ...io.output), 2);
  test.equal(status("--log", io.log, "--forward-stderr", "/dev/null"), 2);
  test.equal(status("--log", io.log, "--prefix", "web | "), 2);
  test.equal(status(...io.output, "--prefix", "x".repeat(257)), 2);
  const path = join(home, "socket");
  const server = createServer().listen(path);
  test.teardown(() => server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  for (const bad of [path, "/no/such/place"]) {
    const { status: code, stderr } = spawnSync(
      io.program,
      ["--forward-stdout", bad, "--forward-stderr", "/dev/null", ...rest],
      { encoding: "utf8" },
    );
    test.equal(code, 1);
    test.match(stderr, `peapod-io: ${bad}: No such `);
  }
});
