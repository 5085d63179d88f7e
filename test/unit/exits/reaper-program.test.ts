import { spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { isProcessGone } from "../../../src/exits/process-gone.ts";
import { buildNative } from "../../support/native.ts";
import { AReaper, ended } from "./fixtures/a-reaper.ts";
import { eventually } from "./fixtures/eventually.ts";

const home = t.testdir({});
const program = buildNative(home, "peapod-reaper");
let number = 0;

function aReaper(test: Test, dir = join(home, `pod-${++number}`)): AReaper {
  const reaper = new AReaper(program, dir);
  test.teardown(() => reaper.end());
  return reaper;
}

function status(pid: number, field: string): string | undefined {
  return new RegExp(`^${field}:\\s*(.*)$`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
}

t.test("it builds with the C library's static archive as well", async (test) => {
  mkdirSync(join(home, "cc"));
  test.ok(existsSync(buildNative(join(home, "cc"), "peapod-reaper", "cc")));
});

t.test(
  "the launcher ends with the code that the supervisor sent, and the user's stdout reached the user",
  async (test) => {
    for (const code of [0, 7, 255]) {
      const reaper = aReaper(test);
      await reaper.launch(code);
      test.equal(await ended(reaper.launcher!), code);
      await eventually(() => reaper.output === "to the user\n");
    }
  },
);

t.test(
  "the launcher ends with 125 when the first supervisor dies before it settled, and no reaper stays",
  async (test) => {
    const result = spawnSync(program, ["launch", "/bin/sh", "-c", "--", "exit 0"], { encoding: "utf8" });
    test.equal(result.status, 125);
    test.equal(result.stdout, "");
  },
);

t.test("a launcher whose parent is killed hangs up, or was never there", async (test) => {
  const told = join(home, "hung-up");
  // Reads until the other half of the link is closed.
  const supervisor = `echo waits >&6; cat <&5; echo hung up >>${told}`;
  const line = `"${program}" launch --for $$ /bin/sh -c -- '${supervisor}'; :`;
  const parent = spawn("/bin/sh", ["-c", line], { stdio: ["ignore", "pipe", "inherit"] });
  test.teardown(() => parent.kill("SIGKILL"));
  await new Promise((resolve) => parent.stdout.once("data", resolve));
  test.notOk(existsSync(told));
  parent.kill("SIGKILL");
  await eventually(() => existsSync(told));
  rmSync(told);
  const late = spawnSync(program, ["launch", "--for", "1", "/bin/sh", "-c", "--", supervisor]);
  test.equal(late.status, 125);
  test.ok(existsSync(told));
});

t.test("a program that cannot be run is told on the user's stderr", async (test) => {
  const result = spawnSync(program, ["launch", "/no/such/node", "x", "--"], { encoding: "utf8" });
  test.equal(result.status, 125);
  test.match(result.stderr, /cannot run \/no\/such\/node: No such file/);
});

t.test("settling leaves exits, reaper.pid and a listening control.sock for the owner alone", async (test) => {
  const reaper = aReaper(test);
  await reaper.launch(0);
  test.equal(readFileSync(`${reaper.notes}.answer`, "utf8"), "ok\n");
  test.equal(lstatSync(join(reaper.dir, "control.sock")).mode & 0o777, 0o600);
  test.equal(lstatSync(join(reaper.dir, "exits")).mode & 0o777, 0o600);
  await reaper.connect();
  test.ok(reaper.isAlive);
});

t.test("a second reaper cannot settle in the same directory and disturbs nothing", async (test) => {
  const first = aReaper(test);
  await first.launch(0);
  const before = first.pid;
  const result = spawnSync(program, [
    "launch",
    "/bin/sh",
    join(import.meta.dirname, "fixtures/supervisor.sh"),
    "--",
    first.dir,
    "0",
  ]);
  test.equal(result.status, 125);
  test.match(readFileSync(`${first.notes}.answer`, "utf8"), /^11 /);
  test.equal(first.pid, before);
  await first.connect();
});

t.test("a directory that is not there is answered with its errno, and the supervisor may ask again", async (test) => {
  const dir = join(home, "late");
  const script = `printf '%s\\n' ${dir} >&8; read -r a <&8; echo "$a" >&6; mkdir ${dir}; printf '%s\\n' ${dir} >&8; read -r b <&8; echo "$b" >&6; rm ${dir}/exits; printf '\\0' >&5`;
  const result = spawnSync(program, ["launch", "/bin/sh", "-c", "--", script], { encoding: "utf8" });
  test.equal(result.status, 0);
  test.match(result.stdout, /^2 No such file.*\nok\n$/);
});

t.test(
  "the supervisor gets descriptors 0 to 8 and none of the caller's others, and no signal is blocked",
  async (test) => {
    const reaper = aReaper(test);
    await reaper.launch("-");
    const pid = await reaper.starts(1);
    // 0 and 9 to 11 are the stand-in's own: it reads its FIFO, and its script.
    const fds = readdirSync(`/proc/${pid}/fd`)
      .map(Number)
      .filter((fd) => fd < 9 || fd > 11);
    const what = (fd: number) => readlinkSync(`/proc/${pid}/fd/${fd}`).replace(/:.*/, "");
    test.strictSame(fds.sort(), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    test.strictSame([1, 2, 3, 4, 5, 8].map(what), ["/dev/null", "/dev/null", "socket", "pipe", "socket", "socket"]);
    test.equal(readlinkSync(`/proc/${pid}/cwd`), process.cwd());
    const result = spawnSync(program, ["launch", "/bin/sh", "-c", "--", "exec grep Sig /proc/self/status >&6"], {
      encoding: "utf8",
    });
    test.match(result.stdout, /SigBlk:\t0+\nSigIgn:\t0+\n/);
  },
);

t.test("exit codes and signals of orphans are recorded, the supervisor's own end is not", async (test) => {
  const reaper = aReaper(test);
  await reaper.launch(0);
  reaper.tell("(sh -c 'echo $$ >$notes.seven; exit 7' &)");
  reaper.tell("(sh -c 'echo $$ >$notes.killed; kill -9 $$' &)");
  reaper.tell("(sh -c 'echo $$ >$notes.zero; exit 0' &)");
  await eventually(() => reaper.exits.length === 3);
  const pidOf = (name: string) => Number(readFileSync(`${reaper.notes}.${name}`, "utf8"));
  const exitOf = (name: string) => reaper.exits.find((line) => line.pid === pidOf(name))?.exit;
  test.match(exitOf("seven"), { kind: "exited", code: 7 });
  test.match(exitOf("killed"), { kind: "killed", signal: 9 });
  test.match(exitOf("zero"), { kind: "exited", code: 0 });
  process.kill(await reaper.starts(1), "SIGKILL");
  await reaper.starts(2);
  test.equal(reaper.exits.length, 3);
});

t.test("300 children that end at once are all there, once each", async (test) => {
  const reaper = aReaper(test);
  await reaper.launch(0);
  reaper.tell('(i=0; while [ $i -lt 300 ]; do (sh -c "exit $((i % 200))" &); i=$((i + 1)); done)');
  await eventually(() => reaper.exits.length >= 300);
  test.equal(reaper.exits.length, 300);
  test.equal(new Set(reaper.exits.map((line) => line.offset)).size, 300);
  const codes = reaper.exits.map((line) => (line.exit.kind === "exited" ? line.exit.code : -1));
  const expected = Array.from({ length: 300 }, (_, i) => i % 200);
  test.strictSame(
    codes.sort((a, b) => a - b),
    expected.sort((a, b) => a - b),
  );
});

t.test("only SIGKILL ends the reaper, and it stays small", async (test) => {
  const reaper = aReaper(test);
  await reaper.launch(0);
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGPIPE", "SIGUSR1", "SIGALRM"] as const) {
    process.kill(reaper.pid, signal);
  }
  reaper.tell("(sh -c 'exit 1' &)");
  await eventually(() => reaper.exits.length === 1);
  test.ok(reaper.isAlive);
  test.ok(Number.parseInt(status(reaper.pid, "VmRSS")!, 10) < 1024);
  test.strictSame(
    readdirSync(`/proc/${reaper.pid}/fd`)
      .filter((fd) => Number(fd) < 3)
      .map((fd) => readlinkSync(`/proc/${reaper.pid}/fd/${fd}`)),
    ["/dev/null", "/dev/null", "/dev/null"],
  );
});

t.test("supervisors that are killed 20 times come back each time, and no exit is missing", async (test) => {
  // With a pause that grew after each of them, one pod would take more than a minute and the test would fail.
  const kills = 20;
  const reaper = aReaper(test);
  await reaper.launch(0);
  for (let i = 1; i <= kills; i += 1) {
    const pid = await reaper.starts(i);
    reaper.tell(`(sh -c 'sleep 0.05; exit ${i}' &); (sh -c 'exit ${100 + i}' &); echo >$notes.told-${i}`);
    await eventually(() => existsSync(`${reaper.notes}.told-${i}`));
    process.kill(pid, "SIGKILL");
  }
  await reaper.starts(kills + 1);
  await eventually(() => reaper.exits.length >= 2 * kills);
  const codes = reaper.exits.map((line) => (line.exit.kind === "exited" ? line.exit.code : -1));
  const expected = Array.from({ length: kills }, (_, i) => [i + 1, 101 + i]).flat();
  test.strictSame([...codes].sort(), expected.sort());
});

t.test("a supervisor that crashes by itself is started again after a pause that grows", async (test) => {
  const reaper = aReaper(test);
  await reaper.launch(0);
  const startedAt: number[] = [];
  for (let i = 1; i <= 4; i += 1) {
    await reaper.starts(i);
    startedAt.push(Date.now());
    reaper.tell(i % 2 === 0 ? "exit 1" : "kill -SEGV $$");
  }
  await reaper.starts(5);
  // 100, 200 and 400 ms at least: a machine under load only makes it longer.
  test.ok(startedAt[3]! - startedAt[0]! >= 650);
});

t.test("the launcher is answered by a later supervisor when the first one was killed", async (test) => {
  const reaper = aReaper(test);
  await reaper.launch("-");
  process.kill(await reaper.starts(1), "SIGKILL");
  await reaper.starts(2);
  reaper.tell("printf '\\052' >&5; echo again >&6");
  test.equal(await ended(reaper.launcher!), 42);
  await eventually(() => reaper.output.endsWith("again\n"));
});

t.test("a launcher that is told to give up hangs up its half of the link and waits for the answer", async (test) => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    const reaper = aReaper(test);
    await reaper.launch("-");
    reaper.tell("read -r x <&5; echo end >$notes.hung-up");
    reaper.launcher!.kill(signal);
    await eventually(() => existsSync(`${reaper.notes}.hung-up`));
    reaper.tell("echo undone >&6; printf '\\202' >&5");
    test.equal(await ended(reaper.launcher!), 130);
    await eventually(() => reaper.output.endsWith("undone\n"));
  }
});

t.test("a launcher that is killed hangs up the link, and later supervisors get /dev/null there", async (test) => {
  const reaper = aReaper(test);
  await reaper.launch("-");
  reaper.tell("read -r x <&5; echo end >$notes.hung-up");
  reaper.launcher!.kill("SIGKILL");
  await eventually(() => existsSync(`${reaper.notes}.hung-up`));
  process.kill(await reaper.starts(1), "SIGKILL");
  const later = await reaper.starts(2);
  const links = [5, 6, 7, 8].map((fd) => readlinkSync(`/proc/${later}/fd/${fd}`));
  test.strictSame(links, ["/dev/null", "/dev/null", "/dev/null", "/dev/null"]);
});

t.test("the end of the caller's output is seen as soon as launcher and supervisor let go of it", async (test) => {
  const reaper = aReaper(test);
  await reaper.launch(0);
  reaper.tell("exec 5>&- 6>&- 7>&-");
  await new Promise((resolve) => reaper.launcher!.once("close", resolve));
  test.ok(reaper.isAlive);
});

t.test("a sleeping supervisor is woken by a connection and by an exit, and by nothing else", async (test) => {
  const reaper = aReaper(test);
  await reaper.launch(0);
  reaper.tell("exit 75");
  await eventually(() => reaper.isAsleep);
  test.equal(reaper.supervisors.length, 1);
  await reaper.connect();
  await reaper.starts(2);
  reaper.tell("(sh -c 'while [ ! -e $notes.go ]; do sleep 0.02; done; exit 9' &); exec 3<&-; exit 75");
  // The connection of before stands in the backlog, since nobody accepted it: it goes on waking the supervisor.
  await reaper.starts(3);
  test.equal(reaper.exits.length, 0);
  writeFileSync(`${reaper.notes}.go`, "");
  await eventually(() => reaper.exits.length === 1);
  test.ok(reaper.isAlive);
});

t.test("an exit wakes a supervisor that sleeps", async (test) => {
  const reaper = aReaper(test);
  await reaper.launch(0);
  reaper.tell("(sh -c 'while [ ! -e $notes.go ]; do sleep 0.02; done; exit 9' &)");
  reaper.tell("exit 75");
  await eventually(() => reaper.isAsleep);
  test.equal(reaper.supervisors.length, 1);
  writeFileSync(`${reaper.notes}.go`, "");
  await reaper.starts(2);
  test.match(reaper.exits[0]?.exit, { kind: "exited", code: 9 });
});

t.test("a ring that was not heard before falling asleep wakes at once", async (test) => {
  const reaper = aReaper(test);
  await reaper.launch(0);
  reaper.tell("(sh -c 'exit 4' &)");
  await eventually(() => reaper.exits.length === 1);
  reaper.tell("exit 75");
  await reaper.starts(2);
  test.equal(reaper.exits.length, 1);
});

t.test("the pod is over when exits is unlinked and the supervisor ends, however it ends", async (test) => {
  for (const end of ["exit 0", "exit 75", "kill -9 $$"]) {
    const reaper = aReaper(test);
    await reaper.launch(0);
    const { pid } = reaper;
    rmSync(join(reaper.dir, "exits"));
    reaper.tell(end);
    await eventually(() => isProcessGone(pid));
    test.equal(reaper.supervisors.length, 1);
  }
});

t.test("the supervisor outlives its reaper and sees the end of the bell", async (test) => {
  const reaper = aReaper(test);
  await reaper.launch(0);
  const supervisor = await reaper.starts(1);
  reaper.tell("cat <&4 >/dev/null; echo end >$notes.no-bell");
  process.kill(reaper.pid, "SIGKILL");
  await eventually(() => existsSync(`${reaper.notes}.no-bell`));
  test.notOk(isProcessGone(supervisor));
});

const isRoot = process.getuid?.() === 0;
t.test(
  "on a full disk an exit waits as a zombie and is written whole later; the supervisor is seen to meanwhile",
  { skip: !isRoot && "needs root for a tmpfs" },
  async (test) => {
    const small = join(home, "small");
    mkdirSync(small);
    spawnSync("mount", ["-t", "tmpfs", "-o", "size=16k", "tmpfs", small]);
    test.teardown(() => void spawnSync("umount", ["-l", small]));
    const reaper = new AReaper(program, join(small, "pod"), join(home, "small-notes"));
    // The next line goes over a page's end: the disk takes its first bytes and refuses the rest.
    writeFileSync(join(reaper.dir, "exits"), "1 exited 0 1764000000.123456789\n".repeat(127));
    test.teardown(() => reaper.end());
    await reaper.launch(0);
    const filler = join(small, "filler");
    spawnSync("sh", ["-c", `head -c 100000 /dev/zero >${filler}`]);
    reaper.tell("(sh -c 'exit 5' &)");
    const zombie = await eventually(() => zombieOf(reaper.pid));
    test.equal(reaper.exits.length, 127);
    process.kill(await reaper.starts(1), "SIGKILL");
    await reaper.starts(2);
    reaper.tell("(sh -c 'exit 6' &); exit 75");
    await eventually(() => reaper.isAsleep);
    test.equal(reaper.exits.length, 127);
    rmSync(filler);
    await eventually(() => reaper.exits.length === 129);
    test.match(reaper.exits[127], { pid: zombie, exit: { kind: "exited", code: 5 } });
    test.match(reaper.exits[128], { exit: { kind: "exited", code: 6 } });
    await reaper.starts(3);
  },
);

function zombieOf(parent: number): number | undefined {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .find((pid) => {
      try {
        const text = readFileSync(`/proc/${pid}/stat`, "latin1");
        const [state, ppid] = text.slice(text.lastIndexOf(")") + 2).split(" ");
        return state === "Z" && Number(ppid) === parent;
      } catch {
        return false;
      }
    });
}

t.test("pause reaps what it is left and ends with 0 at SIGTERM and SIGINT, as pid 1 too", async (test) => {
  const plain = spawn(program, ["pause"]);
  test.teardown(() => plain.kill("SIGKILL"));
  await eventually(() => isWaitingForSignals(plain.pid!));
  plain.kill("SIGTERM");
  test.equal(await ended(plain), 0);
  if (!isRoot) return;
  const first = spawn("unshare", ["--pid", "--fork", "--kill-child", program, "pause"]);
  test.teardown(() => first.kill("SIGKILL"));
  const children = () => readFileSync(`/proc/${first.pid}/task/${first.pid}/children`, "utf8").trim();
  const pid = Number(await eventually(() => children() || undefined));
  await eventually(() => isWaitingForSignals(pid));
  const orphan = spawnSync("nsenter", ["-t", String(pid), "-p", "sh", "-c", "(sleep 0.01 &) & exit 3"]);
  test.equal(orphan.status, 3);
  await eventually(() => readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim() === "");
  process.kill(pid, "SIGINT");
  test.equal(await ended(first), 0);
});

/** True once it has come to sigwaitinfo(2), which shows as its program and as where it sleeps. */
function isWaitingForSignals(pid: number): boolean {
  return (
    readFileSync(`/proc/${pid}/cmdline`, "latin1").startsWith(program) &&
    readFileSync(`/proc/${pid}/wchan`, "latin1").includes("sigtimedwait")
  );
}

t.test("a wrong command line is refused with its usage", async (test) => {
  for (const args of [
    [],
    ["launch"],
    ["launch", "a", "b", "c"],
    ["launch", "--for", "1", "a", "b"],
    ["adopt", "d", "n", "s"],
    ["adopt", "d", "n", "s", "--after", "1"],
  ]) {
    const result = spawnSync(program, args, { encoding: "utf8" });
    test.equal(result.status, 2);
    test.match(result.stderr, /^usage: /);
  }
});
