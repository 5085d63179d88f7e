// A pod whose reaper died gets a new one, which watches processes that are not its children.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { isProcessGone } from "../../../src/exits/process-gone.ts";
import { adoptPod } from "../../../src/exits/reaper.ts";
import { TELLS_EXITS } from "../../support/kernel.ts";
import { buildNative } from "../../support/native.ts";
import { AReaper, FAKE } from "./fixtures/a-reaper.ts";
import { eventually } from "./fixtures/eventually.ts";

const home = t.testdir({});
const program = buildNative(home, "peapod-reaper");
const NOBODY = 4_000_000;
let number = 0;

/** A pod in its directory, without a reaper. */
function anOrphanedPod(test: Test): AReaper {
  const pod = new AReaper(program, join(home, `pod-${++number}`));
  test.teardown(() => pod.end());
  return pod;
}

/** A process that is a child of ours, not of the reaper; it ends as told once it has read a line. */
function aStranger(test: Test, command: string): ChildProcess {
  const child = spawn("sh", ["-c", `read -r x; ${command}`], { stdio: ["pipe", "ignore", "ignore"] });
  test.teardown(() => child.kill("SIGKILL"));
  return child;
}

function startTimeOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, "latin1");
  return Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[19]);
}

function adopt(pod: AReaper, watched: readonly { pid: number; startTime: number }[], after?: number): Promise<void> {
  const more = after === undefined ? {} : { after };
  return adoptPod({ reaper: program, dir: pod.dir, node: "/bin/sh", script: FAKE, watched, ...more });
}

t.test(
  "the true ends of processes that others reap are recorded",
  { skip: !TELLS_EXITS && "needs Linux 6.15 (PIDFD_INFO_EXIT)" },
  async (test) => {
    const pod = anOrphanedPod(test);
    const strangers = [aStranger(test, "exit 7"), aStranger(test, "kill -9 $$"), aStranger(test, "exit 0")];
    const pids = strangers.map((child) => child.pid!);
    await adopt(
      pod,
      pids.map((pid, i) => ({ pid, startTime: i === 0 ? 0 : startTimeOf(pid) })),
    );
    await pod.starts(1);
    test.ok(pod.isAlive);
    test.strictSame(pod.exits, []);
    for (const child of strangers) child.stdin!.end("\n");
    await eventually(() => pod.exits.length === 3);
    const exitOf = (pid: number | undefined) => pod.exits.find((line) => line.pid === pid)?.exit;
    test.match(exitOf(pids[0]), { kind: "exited", code: 7 });
    test.match(exitOf(pids[1]), { kind: "killed", signal: 9 });
    test.match(exitOf(pids[2]), { kind: "exited", code: 0 });
  },
);

t.test("a zombie that nobody reaps is recorded from its own status", async (test) => {
  const pod = anOrphanedPod(test);
  // The inner shell ends; the outer one, become sleep, does not ask for it.
  const parent = spawn("sh", ["-c", "sh -c 'echo $$; read -r x <&3; exit 5' 3<&0 & exec sleep 1000"], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  test.teardown(() => parent.kill("SIGKILL"));
  const pid = Number(await new Promise((resolve) => parent.stdout!.once("data", resolve)));
  await adopt(pod, [{ pid, startTime: startTimeOf(pid) }]);
  parent.stdin!.end("\n");
  await eventually(() => pod.exits.length === 1);
  test.match(pod.exits[0], { pid, exit: { kind: "exited", code: 5 } });
});

t.test("a process that is gone, or whose pid is another's now, is lost at once and never guessed", async (test) => {
  const pod = anOrphanedPod(test);
  const other = aStranger(test, "exit 1");
  await adopt(pod, [
    { pid: NOBODY, startTime: 12345 },
    { pid: other.pid!, startTime: startTimeOf(other.pid!) + 1 },
  ]);
  await eventually(() => pod.exits.length === 2);
  test.strictSame(
    pod.exits.map((line) => [line.pid, line.exit.kind]).sort(),
    [
      [NOBODY, "lost"],
      [other.pid!, "lost"],
    ].sort(),
  );
  test.notOk(isProcessGone(other.pid!));
});

t.test("the new reaper continues the file after cutting off a torn last line", async (test) => {
  const pod = anOrphanedPod(test);
  const whole = "17 exited 0 1764000000.123456789\n";
  appendFileSync(join(pod.dir, "exits"), `${whole}18 exited 1 17640`);
  await adopt(pod, [{ pid: NOBODY, startTime: 1 }]);
  await eventually(() => pod.exits.length === 2);
  test.match(readFileSync(join(pod.dir, "exits"), "latin1"), new RegExp(`^${whole}${NOBODY} lost - \\d+\\.\\d{9}\n$`));
});

t.test("the new reaper does all that the old one did", async (test) => {
  const pod = anOrphanedPod(test);
  await adopt(pod, []);
  process.kill(await pod.starts(1), "SIGKILL");
  await pod.starts(2);
  await pod.connect();
  pod.tell("(sh -c 'exit 3' &)");
  await eventually(() => pod.exits.length === 1);
});

t.test("of two who would adopt a pod one wins, and the other is told so", async (test) => {
  const pod = anOrphanedPod(test);
  await adopt(pod, []);
  await pod.starts(1);
  const winner = pod.pid;
  await test.rejects(adopt(pod, []), { code: "ALREADY_EXISTS" });
  test.equal(pod.pid, winner);
  await pod.connect();
});

t.test("no supervisor is started while the one of before still runs", async (test) => {
  const pod = anOrphanedPod(test);
  const old = aStranger(test, "exit 0");
  await adopt(pod, [{ pid: NOBODY, startTime: 1 }], old.pid!);
  await eventually(() => pod.exits.length === 1);
  test.strictSame(pod.supervisors, []);
  old.stdin!.end("\n");
  await pod.starts(1);
  test.ok(isProcessGone(old.pid!));
});

t.test("what cannot be adopted is told in a sentence", async (test) => {
  const result = spawnSync(program, ["adopt", join(home, "nowhere"), "/bin/sh", FAKE, "--", "1"], { encoding: "utf8" });
  test.equal(result.status, 125);
  test.match(result.stderr, /^peapod-reaper: .*nowhere: No such file or directory\n$/);
  const bad = spawnSync(program, ["adopt", home, "/bin/sh", FAKE, "--", "1x"], { encoding: "utf8" });
  test.equal(bad.status, 125);
  test.notOk(existsSync(join(home, "reaper.pid")));
  await test.rejects(adoptPod({ reaper: "/no/reaper", dir: home, node: "a", script: "b", watched: [] }), {
    code: "HOST_LACKS",
  });
});

t.test("a pod's processes that were its old reaper's are found by the new one", async (test) => {
  const pod = anOrphanedPod(test);
  await pod.launch(0);
  pod.tell("(sh -c 'echo $$ >$notes.web; while [ ! -e $notes.go ]; do sleep 0.02; done; exit 11' &)");
  const pid = Number(
    await eventually(() => existsSync(`${pod.notes}.web`) && readFileSync(`${pod.notes}.web`, "utf8")),
  );
  const old = pod.pid;
  const supervisor = await pod.starts(1);
  process.kill(old, "SIGKILL");
  await eventually(() => isProcessGone(old));
  await adopt(pod, [{ pid, startTime: startTimeOf(pid) }], supervisor);
  test.not(pod.pid, old);
  pod.tell("exit 0");
  await pod.starts(2);
  appendFileSync(`${pod.notes}.go`, "");
  await eventually(() => pod.exits.length === 1);
  // Whoever took the orphan over reaps it when it likes; both ways tell the truth.
  test.match(pod.exits[0], TELLS_EXITS ? { pid, exit: { kind: "exited", code: 11 } } : { pid });
});

t.test("an adopted pod sleeps and wakes like any other", async (test) => {
  const pod = anOrphanedPod(test);
  await adopt(pod, []);
  await pod.starts(1);
  pod.tell("exit 75");
  await eventually(() => pod.isAsleep);
  test.ok(pod.isAlive);
  await pod.connect();
  await pod.starts(2);
});
