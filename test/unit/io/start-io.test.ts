import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { isIoAlive, readIoPid, readLastIoPid, waitForIoEnd } from "../../../src/io/io-process.ts";
import { type IoRequest, startIo } from "../../../src/io/start-io.ts";
import { buildNative } from "../../support/native.ts";
import { AnIo } from "./fixtures/an-io.ts";

const home = t.testdir({});
const program = buildNative(home, "peapod-io");
let number = 0;

function anIo(test: Test): AnIo {
  const dir = join(home, `io-${++number}`);
  const io = new AnIo(program, dir, join(dir, "logs", "web"));
  test.teardown(() => io.end());
  return io;
}

function start(io: AnIo, more: Partial<IoRequest> = {}) {
  return startIo({
    program,
    output: { kind: "log", path: io.log },
    lock: io.lock,
    source: { kind: "fifos", stdout: io.path("stdout"), stderr: io.path("stderr") },
    ...more,
  });
}

t.test("three at once are started, read, and are known by their locks", async (test) => {
  const ios = [anIo(test), anIo(test), anIo(test)];
  const started = await Promise.all(ios.map((io) => start(io)));
  for (const [i, io] of ios.entries()) {
    test.equal(readIoPid(io.lock), started[i]!.pid);
    io.openWriters();
    await io.write("stdout", `from ${i}\n`);
    io.closeWriters();
    await waitForIoEnd(io.lock);
    test.match(
      io.pieces.map((piece) => piece.bytes.toString()),
      [`from ${i}`],
    );
    test.notOk(isIoAlive(io.lock));
    test.equal(readLastIoPid(io.lock), started[i]!.pid);
  }
});

t.test("where one runs already, that one is the answer", async (test) => {
  const io = anIo(test);
  const first = await start(io);
  test.strictSame(await start(io), first);
});

t.test("one that takes over and finds nobody writing still has a pid", async (test) => {
  const io = anIo(test);
  const { pid } = await start(io, { resumed: true });
  test.ok(pid > 0);
  await waitForIoEnd(io.lock);
  test.match(io.pieces, [{ restarted: true }]);
});

t.test("what keeps it from starting is an error with its reason", async (test) => {
  const io = anIo(test);
  await test.rejects(start(io, { program: "/no/such/io" }), { code: "HOST_LACKS" });
  spawnSync("rm", [io.path("stderr")]);
  writeFileSync(io.path("stderr"), "");
  await test.rejects(start(io), { code: "BUG", message: `${io.path("stderr")}: is not a FIFO` });
});

t.test(
  "a full disk is out of resources",
  { skip: process.getuid?.() !== 0 && "needs root for a tmpfs" },
  async (test) => {
    const small = join(home, "small");
    mkdirSync(small);
    spawnSync("mount", ["-t", "tmpfs", "-o", "size=4k,nr_inodes=2", "tmpfs", small]);
    test.teardown(() => void spawnSync("umount", ["-l", small]));
    writeFileSync(join(small, "filler"), "");
    for (const path of [join(small, "logs", "0.log"), join(small, "0.log")])
      await test.rejects(start(anIo(test), { output: { kind: "log", path } }), { code: "OUT_OF_RESOURCES" });
  },
);

t.test("a lock that names nobody, or somebody else, is nobody's", async (test) => {
  const dir = test.testdir({ empty: "", odd: "x\n", ours: `${process.pid}\n`, gone: "4000000   \n" });
  for (const name of ["none", "empty", "odd", "ours", "gone"]) test.notOk(isIoAlive(join(dir, name)), name);
  test.equal(readLastIoPid(join(dir, "gone")), 4000000);
});

t.test("waiting for its end can be given up", async (test) => {
  const io = anIo(test);
  await start(io);
  const abort = new AbortController();
  const waiting = waitForIoEnd(io.lock, abort.signal);
  abort.abort();
  await waiting;
  await waitForIoEnd(io.lock, abort.signal);
  test.ok(isIoAlive(io.lock));
});
