// io's input and terminal, with the container's end in the test's hand.

import { spawn, spawnSync } from "node:child_process";
import { closeSync, constants, existsSync, openSync, readFileSync, readSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { type AttachConnection, connectAttach } from "../../../src/io/attach-client.ts";
import { readLastIoPid } from "../../../src/io/io-process.ts";
import { buildNative } from "../../support/native.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { AnIo } from "./fixtures/an-io.ts";

const home = t.testdir({});
const program = buildNative(home, "peapod-io");
let number = 0;

function anIo(test: Test): AnIo {
  const io = new AnIo(program, join(home, `io-${++number}`));
  test.teardown(() => {
    io.end();
    const keeper = readLastIoPid(join(io.dir, "keeper"));
    if (keeper !== undefined && existsSync(`/proc/${keeper}`)) process.kill(keeper, "SIGKILL");
  });
  return io;
}

async function attachTo(io: AnIo): Promise<{ client: AttachConnection; said: { text: string } }> {
  const said = { text: "" };
  const client = await connectAttach(join(io.dir, "attach.sock"), {
    onOutput: (_stream, bytes) => {
      said.text += bytes.toString("latin1");
    },
    onSkipped: () => undefined,
  });
  return { client, said };
}

function inputArgs(io: AnIo, ...more: string[]): string[] {
  const at = (name: string) => join(io.dir, name);
  return ["--attach", at("attach.sock"), "--stdin", at("stdin"), "--keeper", at("keeper"), ...more];
}

/** What stands in it; undefined: the end. */
function readInput(fd: number): string | undefined {
  const bytes = Buffer.alloc(100_000);
  try {
    const length = readSync(fd, bytes, 0, bytes.length, null);
    return length === 0 ? undefined : bytes.toString("latin1", 0, length);
  } catch {
    return "";
  }
}

t.test("input goes on over an io's death, and ends with its first giver", async (test) => {
  const io = anIo(test);
  await io.start(inputArgs(io, "--stdin-once"));
  io.openWriters();
  const stdin = openSync(join(io.dir, "stdin"), constants.O_RDONLY | constants.O_NONBLOCK);
  const one = await attachTo(io);
  test.same(one.client.hello, { version: 1, hasTerminal: false, hasInput: true });
  await one.client.write(Buffer.from("hello"));
  await waitUntil("it arrives", () => readInput(stdin) === "hello");
  io.child!.kill("SIGKILL");
  await io.ended();
  test.equal(await one.client.over, "closed");
  test.equal(readInput(stdin), "", "not the end");
  await io.start(inputArgs(io, "--stdin-once", "--resumed"));
  await waitUntil("it listens", () => /restarted/.test(io.text));
  const two = await attachTo(io);
  two.client.openInput();
  const three = await attachTo(io);
  three.client.openInput();
  two.client.endInput();
  await waitUntil("that is the end", () => readInput(stdin) === undefined);
  await three.client.write(Buffer.from("too late"));
  const four = await attachTo(io);
  test.equal(four.client.hello.hasInput, false);
  test.equal(readInput(stdin), undefined);
  closeSync(stdin);
  test.equal(await io.finish(), 0);
  test.equal(await four.client.over, "ended");
});

t.test("input that is not taken stays with its giver", async (test) => {
  const io = anIo(test);
  await io.start(inputArgs(io));
  io.openWriters();
  const stdin = openSync(join(io.dir, "stdin"), constants.O_RDONLY | constants.O_NONBLOCK);
  const { client, said } = await attachTo(io);
  const given = "x".repeat(3_000_000);
  let isTaken = false;
  const giving = client.write(Buffer.from(given)).then(() => {
    isTaken = true;
  });
  await io.write("stdout", "out\n");
  await waitUntil("output comes all the same", () => said.text === "out\n");
  test.equal(isTaken, false);
  let got = 0;
  await waitUntil("all arrives", () => {
    got += readInput(stdin)?.length ?? 0;
    return got === given.length;
  });
  await giving;
  closeSync(stdin);
  test.equal(await io.finish(), 0);
});

/** As a runtime does it: opens a terminal, sends its master, and is the container's first process. */
const CONTAINER = `
import array, os, pty, socket, sys
master, slave = pty.openpty()
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendmsg([b"/dev/ptmx"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [master]))])
s.close()
os.close(master)
name = os.ttyname(slave)
for line in sys.stdin:
    if line == "close\\n": os.close(slave)
    elif line == "open\\n": slave = os.open(name, os.O_RDWR | os.O_NOCTTY)
    else: os.write(slave, line.encode())
`;

const skip = spawnSync("python3", ["-c", "import pty"]).status === 0 ? false : "needs python3 for a pty";

t.test(
  "a terminal is taken from its socket, may be closed for a while, and ends with its container",
  { skip },
  async (test) => {
    const io = anIo(test);
    const at = (name: string) => join(io.dir, name);
    const source = ["--console", at("console"), "--pid-file", at("pid"), "--keeper", at("keeper")];
    const args = ["--log", io.log, "--lock", io.lock, ...source, "--attach", at("attach.sock"), "--foreground"];
    const start = (...more: string[]) => {
      io.child = spawn(program, [...args, ...more], { stdio: "ignore" });
      return waitUntil("it listens", () => existsSync(io.log) && existsSync(at("attach.sock")));
    };
    await start();
    const container = spawn("python3", ["-c", CONTAINER, at("console")], { stdio: ["pipe", "ignore", "inherit"] });
    test.teardown(() => void container.kill("SIGKILL"));
    writeFileSync(at("pid"), String(container.pid));
    await waitUntil("the socket is gone", () => !existsSync(at("console")));
    const { client, said } = await attachTo(io);
    test.same(client.hello, { version: 1, hasTerminal: true, hasInput: true });
    for (const line of ["first\n", "close\n", "open\n", "second\n"]) container.stdin.write(line);
    await waitUntil("both are shown", () => said.text === "first\r\nsecond\r\n");
    io.child!.kill("SIGKILL");
    await io.ended();
    container.stdin.write("third\n");
    await start("--resumed");
    await waitUntil("it goes on", () => /stdout F third\r\n/.test(readFileSync(io.log, "latin1")));
    container.stdin.end("last words");
    test.equal(await io.ended(), 0);
    test.match(readFileSync(io.log, "latin1"), /stdout P last words\n$/);
    await waitUntil("its keeper is gone", () => !existsSync(`/proc/${readLastIoPid(at("keeper"))}`));
  },
);
