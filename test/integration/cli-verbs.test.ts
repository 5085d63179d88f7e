// Each verb of the command line on real pods, as a user sees it: what it prints, how it ends, what it changes.

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { EXIT } from "../../src/doors/cli/exit-codes.ts";
import type { PodProcess } from "../../src/engine/engine.ts";
import { readCgroupLines } from "../../src/host/processes.ts";
import { readHostFacts } from "../../src/host/read-facts.ts";
import type { Event } from "../../src/state/event.ts";
import { supervisorOf } from "../support/own-processes.ts";
import { BIN, testWithPeapod } from "../support/peapod-host.ts";
import { patient } from "../support/slowness.ts";
import { readTraces } from "../support/traces.ts";
import { waitUntil } from "../support/wait-until.ts";

/** The first process of a pid namespace gets only those signals that it has a handler for (pid_namespaces(7)). */
const POLITE = "trap 'exit 3' TERM; while :; do usleep 5000; done";

testWithPeapod("create makes, start starts, stop stops, delete takes away", async (t, host) => {
  const pod = host.aPod({ containers: ["c1", "c2"].map((name) => ({ name, run: POLITE })) });
  t.equal(await host.must("create", pod.file), "pod1\n");
  t.match(await host.state(pod), { status: "created", containers: [{ status: "created" }, { status: "created" }] });
  t.equal(await host.must("start", pod.name), "");
  t.match(await host.state(pod), { status: "running", want: "running" });
  t.match(await host.peapod("start", pod.name), { code: EXIT.failed, err: /pod pod1: cannot start, it is running\n/ });
  t.match(await host.peapod("delete", pod.name), {
    code: EXIT.failed,
    err: /pod pod1: is running\nhint: stop it first/,
  });
  t.equal(await host.must("stop", pod.name), "");
  const stopped = await host.state(pod);
  t.match(stopped, { status: "exited", want: "stopped", exitStatus: 3 });
  t.match(
    stopped.containers.map((one) => one.exit),
    [
      { kind: "exited", code: 3 },
      { kind: "exited", code: 3 },
    ],
    "both heeded SIGTERM",
  );
  t.equal(await host.must("stop", pod.name), "", "to stop what has stopped is no fault");
  t.equal(await host.must("delete", pod.name), "");
  t.match(await host.peapod("delete", pod.name), { code: EXIT.failed, err: /pod pod1: does not exist\n/ });
  t.equal(await host.must("delete", "--force", pod.name), "", "whoever forces wants it gone, and gone it is");
});

testWithPeapod("stop kills what does not heed SIGTERM after the grace period", async (t, host) => {
  const containers = [
    { name: "deaf", run: "trap '' TERM; while :; do sleep 0.05; done" },
    { name: "polite", run: POLITE },
  ];
  const pod = host.aPod({ containers });
  await host.must("run", "-d", pod.file);
  await host.must("stop", "-t", String(patient(300) / 1000), pod.name);
  const { containers: ended } = await host.state(pod);
  t.match(ended, [{ exit: { kind: "killed", signal: 9 } }, { exit: { kind: "exited", code: 3 } }]);
});

testWithPeapod("a process that somebody moved out of its cgroup is ended all the same", async (t, host) => {
  const pod = host.aPod({ containers: [{ name: "web", run: "exec sleep 1000" }] });
  await host.must("run", "-d", pod.file);
  const pid = (await host.state(pod)).containers[0]?.pid ?? 0;
  for (const { path } of readCgroupLines(pid) ?? []) t.match(path, pod.name);
  for (const hierarchy of Object.values(readHostFacts().cgroupMounts))
    writeFileSync(join(hierarchy, "cgroup.procs"), String(pid));
  await host.must("delete", "--force", pod.name);
  t.equal(readCgroupLines(pid), undefined, "it is gone");
});

testWithPeapod("of several pods each is tried", async (t, host) => {
  const pods = [host.aPod(), host.aPod()];
  for (const pod of pods) await host.must("run", "-d", pod.file);
  const { code, err } = await host.peapod("stop", "pod1", "nobody", "pod2");
  t.equal(code, EXIT.failed);
  t.match(err, /^peapod: pod nobody: does not exist\n/);
  for (const pod of pods) t.equal((await host.state(pod)).status, "exited");
  await host.must("delete", "pod1", "pod2");
});

testWithPeapod("kill sends a signal to the first process, of all containers or of one", async (t, host) => {
  const run = "trap 'echo got USR1' USR1; trap 'exit 5' TERM; echo ready; while :; do sleep 0.05; done";
  const pod = host.aPod({ containers: ["a", "b"].map((name) => ({ name, run })) });
  await host.must("run", "-d", pod.file);
  const logOf = (name: string) => host.must("logs", "-c", name, pod.name);
  for (const name of ["a", "b"]) await waitUntil(`${name} is ready`, async () => (await logOf(name)).includes("ready"));
  await host.must("kill", pod.name, "USR1", "-c", "a");
  await waitUntil("a got it", async () => (await logOf("a")).includes("got USR1"));
  t.notMatch(await logOf("b"), /USR1/);
  t.match(await host.peapod("kill", pod.name, "NONSENSE"), { code: EXIT.failed, err: /signal/ });
  t.match(await host.peapod("kill", pod.name, "-c", "nobody"), {
    code: EXIT.failed,
    err: /has no such container|has no container nobody/,
  });
  await host.must("kill", pod.name);
  t.equal(await host.must("wait", pod.name), "5\n");
  t.match(await host.peapod("kill", pod.name), { code: EXIT.failed, err: /pod1: no container is running\n/ });
});

testWithPeapod("kill --all reaches every process of a container", async (t, host) => {
  const run = `sh -c 'trap "echo child got it" USR1; echo ready; while :; do sleep 0.05; done' &
trap "echo parent got it" USR1; while :; do wait; sleep 0.05; done`;
  const pod = host.aPod({ containers: [{ name: "family", run }] });
  await host.must("run", "-d", pod.file);
  await waitUntil("it is ready", async () => (await host.must("logs", pod.name)).includes("ready"));
  t.equal(await host.must("kill", "--all", pod.name, "USR1"), "");
  await waitUntil("both got it", async () => {
    const text = await host.must("logs", pod.name);
    return text.includes("child got it") && text.includes("parent got it");
  });
});

testWithPeapod("pause stops all processes of a pod at one instant, resume lets them go on", async (t, host) => {
  // Both write into one file: after the pause not one more line may come, from neither.
  const run = (name: string) => `while :; do echo ${name} >> /shared/count; usleep 1000; done`;
  const volumeMounts = [{ name: "shared", mountPath: "/shared" }];
  const containers = ["a", "b"].map((name) => ({ name, run: run(name), volumeMounts }));
  const dir = join(host.dir, "shared");
  mkdirSync(dir);
  const pod = host.aPod({ containers, spec: { volumes: [{ name: "shared", hostPath: { path: dir } }] } });
  const count = () => readFileSync(join(dir, "count"), "utf8");
  await host.must("run", "-d", pod.file);
  await waitUntil("both write", () => existsSync(join(dir, "count")) && /a[\s\S]*b|b[\s\S]*a/.test(count()));
  t.equal(await host.must("pause", pod.name), "");
  const atPause = count();
  t.equal((await host.state(pod)).status, "paused");
  await sleep(100);
  t.equal(count().length, atPause.length, "nobody has written");
  for (const { pid } of await host.json<PodProcess[]>("ps", pod.name)) {
    t.match(readFileSync(`/proc/${pid}/status`, "utf8"), /^State:\t[DTS]/m);
  }
  t.match(await host.peapod("exec", pod.name, "-c", "a", "true"), { code: EXIT.failed, err: /pod pod1: is paused/ });
  t.equal(await host.must("pause", pod.name), "", "to pause what is paused is no fault");
  t.equal(await host.must("resume", pod.name), "");
  await waitUntil("they write again", () => count().length > atPause.length);
  t.equal((await host.state(pod)).status, "running");
  await host.must("pause", pod.name);
  await host.must("stop", pod.name);
  t.equal((await host.state(pod)).status, "exited", "what is paused can be stopped");
});

testWithPeapod("a paused pod can be deleted", async (t, host) => {
  const pod = host.aPod({ containers: 2 });
  await host.must("run", "-d", pod.file);
  await host.must("pause", pod.name);
  t.equal(await host.must("delete", "--force", pod.name), "");
});

testWithPeapod("ps shows the processes of each container, as the kernel has them", async (t, host) => {
  const containers = [
    { name: "web", run: "sleep 1000 & exec sleep 2000" },
    { name: "db", run: ["/bin/sleep", "3000"] },
  ];
  const pod = host.aPod({ containers });
  await host.must("run", "-d", pod.file);
  await waitUntil("all are there", async () => (await host.json<PodProcess[]>("ps", pod.name)).length === 3);
  const processes = await host.json<PodProcess[]>("ps", pod.name);
  t.same(processes.map(({ container, command }) => `${container}: ${command}`).sort(), [
    "db: /bin/sleep 3000",
    "web: sleep 1000",
    "web: sleep 2000",
  ]);
  for (const { pid, parentPid, command } of processes) {
    t.equal(readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim(), command);
    t.match(readFileSync(`/proc/${pid}/status`, "utf8"), new RegExp(`^PPid:\t${parentPid}$`, "m"));
  }
  const table = await host.must("ps", pod.name);
  t.match(table, /sleep 3000/);
  t.equal(table.trimEnd().split("\n").length, 4, "a heading and three rows");
});

testWithPeapod("exec runs a command beside the container's own, and ends as it does", async (t, host) => {
  const containers = [{ name: "web", env: [{ name: "MINE", value: "mine" }] }, { name: "db" }];
  const pod = host.aPod({ containers });
  await host.must("run", "-d", pod.file);
  const exec = (...args: string[]) => host.peapod("exec", pod.name, "-c", "web", ...args);
  t.match(await exec("--", "sh", "-c", "echo out; echo err >&2; exit 42"), { code: 42, out: "out\n", err: "err\n" });
  t.match(await exec("-e", "ADDED=1", "-e", "MINE=no", "--", "sh", "-c", "echo $ADDED $MINE"), {
    code: 0,
    out: "1 no\n",
  });
  t.match(await exec("sh", "-c", "echo $MINE"), { code: 0, out: "mine\n" });
  t.match(await exec("-w", "/etc", "pwd"), { code: 0, out: "/etc\n" });
  t.match(await exec("--workdir", "/etc", "pwd"), { code: 0, out: "/etc\n" });
  t.match(await exec("-u", "65534:7", "id"), { code: 0, out: /^uid=65534\S* gid=7/ });
  t.match(await exec("-u", "12", "id"), { code: 0, out: /^uid=12 gid=0/ });
  t.match(await exec("hostname"), { code: 0, out: "pod1\n" });
  t.match(await exec("no-such-command"), { code: EXIT.commandNotFound, err: /no-such-command/ });
  t.match(await exec("/etc/passwd"), { code: EXIT.cannotInvoke });
  t.match(await exec("--", "sh", "-c", "kill -9 $$"), { code: 137 });
  t.match(await host.peapod("exec", pod.name, "true"), {
    code: EXIT.failed,
    err: /several containers\nhint: .*web, db/,
  });
  t.match(await host.peapod("exec", pod.name, "-c", "x", "true"), {
    code: EXIT.failed,
    err: /no container x\n|has no such container/,
  });
  const piped = host.start(["exec", pod.name, "-c", "db", "cat"], { input: "through\n" });
  t.match(await piped.ended, { code: 0, out: "through\n" }, "standard input is passed on");
});

testWithPeapod("exec with a terminal", async (t, host) => {
  const pod = host.aPod();
  await host.must("run", "-d", pod.file);
  const command = `${BIN}peapod --root ${host.root} exec -t ${pod.name} sh -c 'tty; stty size; test -t 0 && exit 6'`;
  const { status, stdout } = spawnSync(
    "script",
    ["--quiet", "--return", "--command", `stty rows 33 cols 77; ${command}`, "/dev/null"],
    { encoding: "utf8", timeout: patient(30_000) },
  );
  t.match(stdout, /\/dev\/pts\/0\r\n/);
  t.match(stdout, /33 77\r\n/, "of the caller's size");
  t.equal(status, 6, "the exit status is handed on");
});

testWithPeapod("logs: all, the last, since, with times, of one container, to its own stream", async (t, host) => {
  const containers = [
    { name: "web", run: "for i in 1 2 3 4 5; do echo web $i; done; echo oops >&2; usleep 300000; echo late" },
    { name: "database", run: "echo db" },
  ];
  const pod = host.aPod({ containers });
  await host.must("run", "-d", pod.file);
  await host.must("wait", pod.name);
  const { out, err } = await host.peapod("logs", pod.name);
  t.match(out, /^web {6}\| web 1\nweb {6}\| web 2\n/m, "prefixes are aligned");
  t.match(out, /^database \| db$/m);
  t.equal(err, "web      | oops\n");
  t.equal(await host.must("logs", "-c", "database", pod.name), "db\n", "one container needs no prefix");
  t.equal(
    await host.must("logs", "--tail", "2", "-c", "web", pod.name),
    "late\n",
    "the last two are one of each stream",
  );
  t.equal((await host.peapod("logs", "--tail", "0", pod.name)).out, "");
  const timed = await host.must("logs", "--timestamps", "-c", "web", pod.name);
  const lines = timed.trimEnd().split("\n");
  for (const line of lines) t.match(line, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z \S/);
  const last = lines.at(-1)?.split(" ")[0] ?? "";
  t.equal(await host.must("logs", "--since", last, "-c", "web", pod.name), "late\n");
  t.equal(await host.must("logs", "--since", "1h", "-c", "database", pod.name), "db\n");
  t.match(await host.peapod("logs", "--since", "nonsense", pod.name), { code: EXIT.failed, err: /nonsense/ });
  t.match(await host.peapod("logs", "-c", "nobody", pod.name), {
    code: EXIT.failed,
    err: /has no such container|has no container nobody/,
  });
});

testWithPeapod("logs -f follows to the end of the container, and not beyond", async (t, host) => {
  const containers = [
    { name: "web", run: "i=0; while [ ! -e /tmp/go ]; do i=$((i+1)); echo $i; usleep 5000; done; echo end" },
  ];
  const pod = host.aPod({ containers });
  await host.must("run", "-d", pod.file);
  const following = host.start(["logs", "-f", pod.name]);
  await waitUntil("it says something", () => following.said.out.includes("3\n"));
  await host.touch(pod.name, "/tmp/go");
  const { code, out } = await following.ended;
  t.equal(code, 0);
  t.match(out, /\nend\n$/);
  const numbers = out.split("\n").slice(0, -2);
  t.same(
    numbers,
    Array.from(numbers, (_, index) => String(index + 1)),
    "no line is missing, none comes twice",
  );
});

testWithPeapod("wait waits, and prints the result", async (t, host) => {
  const containers = [
    { name: "quick", run: "exit 3" },
    { name: "slow", run: "while [ ! -e /tmp/go ]; do usleep 5000; done; exit 4" },
  ];
  const pod = host.aPod({ containers });
  await host.must("run", "-d", pod.file);
  const waiting = host.start(["wait", pod.name]);
  t.equal(await host.must("wait", pod.name, "-c", "quick"), "3\n");
  t.equal(waiting.said.out, "", "the other has not ended");
  const late = { code: EXIT.failed, err: `peapod: pod ${pod.name}: is not exited yet\n` };
  t.match(await host.peapod("wait", pod.name, "--timeout", "0"), late);
  const one = { code: EXIT.failed, err: "peapod: container slow: is not exited yet\n" };
  t.match(await host.peapod("wait", pod.name, "-c", "slow", "-c", "quick", "--timeout", "1ms"), one);
  await host.touch(pod.name, "/tmp/go", "slow");
  t.match(await waiting.ended, { code: 0, out: "3\n" }, "the first in the manifest's order");
  t.equal(await host.must("wait", pod.name, "--timeout", "0"), "3\n", "nothing is to be waited for");
  t.equal(await host.must("wait", pod.name, "-c", "slow"), "4\n");
  t.match(await host.peapod("wait", pod.name, "-c", "nobody"), {
    code: EXIT.failed,
    err: /has no such container|has no container nobody/,
  });
});

function parseEvents(text: string): Event[] {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Event);
}

testWithPeapod("events: from the beginning, from a cursor, and following to the deletion", async (t, host) => {
  const pod = host.aPod({ containers: [{ name: "web" }] });
  await host.must("run", "-d", pod.file);
  const all = parseEvents(await host.must("events", "--format", "json", pod.name));
  t.same(
    all.map((event) => event.type),
    [
      "pod.planned",
      "pod.wanted",
      "container.creating",
      "container.created",
      "container.started",
      "pod.created",
      "pod.started",
    ],
  );
  const later = parseEvents(await host.must("events", "--since", "4", "--format", "json", pod.name));
  t.same(later, all.slice(4));
  t.equal((await host.state(pod)).cursor, all.length, "the state names the cursor to go on from");
  t.equal(await host.must("events", "--since", String(all.length), "--format", "json", pod.name), "");
  const following = host.start(["events", "--follow", "--since", String(all.length), "--format", "json", pod.name]);
  await host.must("stop", pod.name);
  await waitUntil("it has heard of the stop", () => following.said.out.includes("pod.exited"));
  await host.must("delete", pod.name);
  const { code, out } = await following.ended;
  t.equal(code, 0, "it ends with the pod");
  const followed = parseEvents(out);
  t.same(
    followed.map((event) => event.seq),
    followed.map((_, index) => all.length + 1 + index),
    "without a gap",
  );
  t.equal(followed.at(-1)?.type, "pod.deleted");
});

testWithPeapod("state, list and inspect tell the same of a pod", async (t, host) => {
  const pods = [host.aPod({ containers: 2 }), host.aPod()];
  t.equal(await host.must("list", "-q"), "");
  for (const pod of pods) await host.must("run", "-d", pod.file);
  t.equal(await host.must("list", "-q"), "pod1\npod2\n");
  const [first] = pods as [(typeof pods)[0]];
  const state = await host.state(first);
  const list = await host.json<unknown[]>("list");
  t.same(list[0], state);
  const inspected = JSON.parse(await host.must("inspect", first.name));
  t.same(Object.keys(inspected).sort(), ["manifest", "plan", "resources", "state"]);
  t.same(inspected.state, state);
  t.equal(inspected.plan.containers.length, 2);
  for (const { pid } of state.containers) t.ok(existsSync(`/proc/${pid}`), `process ${pid} is there`);
  t.match(await host.must("list"), /pod1 .*running[\s\S]*pod2 .*running/);
  t.match(await host.must("state", "--format", "table", first.name), /c1 .*running/);
  t.match(await host.must("verify", first.name), /every rule is kept/);
});

testWithPeapod("a dry run touches nothing", async (t, host) => {
  const pod = host.aPod({ containers: 2 });
  for (const verb of ["run", "create"]) {
    const plan = JSON.parse(await host.must(verb, "--dry-run", pod.file));
    t.equal(plan.pod, "pod1");
    t.same(readTraces(host.root), []);
  }
});

testWithPeapod(
  "run in the foreground shows each line with its container's name, on the stream it was written to",
  async (t, host) => {
    const containers = [
      { name: "a", run: "echo one; echo two >&2; printf 'no newline'" },
      { name: "bcd", run: "echo three; exit 6" },
    ];
    const { code, out, err } = await host.peapod("run", host.aPod({ containers }).file);
    t.equal(code, 6);
    t.same(out.trimEnd().split("\n").sort(), ["a   | no newline", "a   | one", "bcd | three"]);
    t.equal(err, "a   | two\n");
    t.same(readTraces(host.root), [], "nothing is left once it has ended");
  },
);

testWithPeapod("run of one container adds nothing to what that writes", async (t, host) => {
  const containers = [{ name: "alone", run: "seq 1 20000" }];
  const { code, out } = await host.peapod("run", host.aPod({ containers }).file);
  t.equal(code, 0);
  t.equal(out, Array.from({ length: 20000 }, (_, i) => `${i + 1}\n`).join(""));
});

testWithPeapod("--keep leaves the ended pod to be looked at", async (t, host) => {
  const pod = host.aPod({ containers: [{ name: "a", run: "exit 2" }] });
  t.match(await host.peapod("run", "--keep", pod.file), { code: 2 });
  t.match(await host.state(pod), { status: "exited", exitStatus: 2 });
  await host.must("delete", pod.name);
});

for (const [signal, status] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  testWithPeapod(`${signal} stops a pod in the foreground, and nothing is left`, async (t, host) => {
    const run = "trap 'echo bye; exit 0' TERM; echo ready; while :; do usleep 5000; done";
    const running = host.start([
      "run",
      host.aPod({
        containers: [
          { name: "a", run },
          { name: "b", run },
        ],
      }).file,
    ]);
    await waitUntil("both are ready", () =>
      /a \| ready[\s\S]*b \| ready|b \| ready[\s\S]*a \| ready/.test(running.said.out),
    );
    running.child.kill(signal);
    const { code, out } = await running.ended;
    t.equal(code, status);
    t.match(out, /^a \| bye$/m, "it was stopped, not killed");
    t.match(out, /^b \| bye$/m);
    t.same(readTraces(host.root), []);
  });
}

testWithPeapod("a second Ctrl-C kills", async (t, host) => {
  const run = "trap 'echo no' TERM; echo ready; while :; do usleep 5000; done";
  const pod = host.aPod({ containers: [{ name: "a", run }], spec: { terminationGracePeriodSeconds: 1000 } });
  const running = host.start(["run", pod.file]);
  await waitUntil("it is ready", () => running.said.out.includes("ready"));
  running.child.kill("SIGINT");
  await waitUntil("it has heard", () => running.said.out.includes("no"));
  running.child.kill("SIGINT");
  t.equal((await running.ended).code, 130);
  t.same(readTraces(host.root), []);
});

testWithPeapod("whoever forces a deletion does not wait for the grace of a stop that goes on", async (t, host) => {
  const run = "trap 'echo no' TERM; echo ready; while :; do usleep 5000; done";
  const pod = host.aPod({ containers: [{ name: "a", run }], spec: { terminationGracePeriodSeconds: 1000 } });
  await host.must("run", "-d", pod.file);
  await waitUntil("it is ready", async () => (await host.must("logs", pod.name)).includes("ready"));
  const stopping = host.start(["stop", pod.name]);
  await waitUntil("it has heard", async () => (await host.must("logs", pod.name)).includes("no"));
  t.equal(await host.must("delete", "--force", pod.name), "");
  t.equal((await stopping.ended).signal, null);
});

for (const delayMs of [0, 20, 40, 60, 80, 100, 130, 170]) {
  testWithPeapod(`Ctrl-C ${delayMs} ms after the command began leaves nothing`, async (t, host) => {
    for (const verb of [["run"], ["create"], ["run", "-d"]]) {
      const pod = host.aPod({ containers: 3 });
      const running = host.start([...verb, pod.file]);
      await sleep(delayMs);
      running.child.kill("SIGINT");
      const { code, signal } = await running.ended;
      if (code === 0) await host.must("delete", "--force", pod.name);
      else t.ok(code === 130 || signal === "SIGINT", `${verb.join(" ")}: ${signal ?? code}`);
      await waitUntil("nothing is left", () => readTraces(host.root).length === 0, 5000).catch(() => undefined);
      t.same(readTraces(host.root), [], verb.join(" "));
    }
  });
}

testWithPeapod("nobody reads what a pod in the foreground writes: it is stopped", async (t, host) => {
  const pod = host.aPod({ containers: [{ name: "a", run: "while echo more; do usleep 1000; done" }] });
  const line = `${BIN}peapod --root ${host.root} run ${pod.file} | head -n 2; echo "\${PIPESTATUS[0]}"`;
  t.equal(execFileSync("bash", ["-c", line], { encoding: "utf8", timeout: patient(60_000) }), "more\nmore\n141\n");
  t.same(readTraces(host.root), []);
});

/** Text of a control file of one container's cgroup, in the hierarchy of `controller` (v1) or the only one (v2). */
function readCgroup(
  plan: { containers: { name: string; cgroupPath: string }[] },
  controller: string,
  file: string,
): string {
  const path = plan.containers[0]?.cgroupPath ?? "";
  const v1 = `/sys/fs/cgroup/${controller}${path}/${file}`;
  return readFileSync(v1, "utf8").trim();
}

testWithPeapod("limits stand in the container's cgroup", async (t, host) => {
  const resources = { limits: { cpu: "250m", memory: "32Mi" }, requests: { cpu: "100m" } };
  const pod = host.aPod({ containers: [{ name: "web", resources }] });
  await host.must("run", "-d", pod.file);
  const { plan } = JSON.parse(await host.must("inspect", pod.name));
  if (!existsSync("/sys/fs/cgroup/memory")) {
    t.equal(readCgroup(plan, "", "memory.max"), String(32 << 20));
    t.equal(readCgroup(plan, "", "cpu.max"), "25000 100000");
    // runc's conversion of 102 shares; systemd sets it in steps of its own.
    t.match(readCgroup(plan, "", "cpu.weight"), /^[45]$/);
    t.match(readCgroup(plan, "", "cgroup.procs"), /^\d+$/, "and the process is in it");
    return;
  }
  t.equal(readCgroup(plan, "memory", "memory.limit_in_bytes"), String(32 << 20));
  const quota = Number(readCgroup(plan, "cpu", "cpu.cfs_quota_us"));
  t.equal(quota / Number(readCgroup(plan, "cpu", "cpu.cfs_period_us")), 0.25);
  t.equal(readCgroup(plan, "cpu", "cpu.shares"), String(Math.floor((100 * 1024) / 1000)));
  t.match(readCgroup(plan, "memory", "cgroup.procs"), /^\d+$/, "and the process is in it");
});

testWithPeapod(
  "a container that takes more memory than it may is killed, and its neighbour is not",
  async (t, host) => {
    const containers = [
      { name: "greedy", run: "x=aaaaaaaa; while :; do x=$x$x; done", resources: { limits: { memory: "24Mi" } } },
      { name: "modest" },
    ];
    const pod = host.aPod({ containers });
    await host.must("run", "-d", pod.file);
    t.equal(await host.must("wait", pod.name, "-c", "greedy"), "137\n");
    t.match((await host.state(pod)).containers, [{ exit: { kind: "killed", signal: 9 } }, { status: "running" }]);
  },
);

async function readStatus(host: Parameters<Parameters<typeof testWithPeapod>[1]>[1], pod: string, container: string) {
  const text = await host.must("logs", pod, "-c", container);
  return Object.fromEntries(text.split("\n").map((line) => line.split(":\t") as [string, string]));
}

testWithPeapod("securityContext as the kernel sees it", async (t, host) => {
  const run =
    "cat /proc/self/status; ( : > /written ) 2>/dev/null && printf 'Writes:\\tyes\\n' || printf 'Writes:\\tno\\n'";
  const containers = [
    { name: "usual", run },
    { name: "somebody", run, securityContext: { runAsUser: 1234, runAsGroup: 77 } },
    { name: "less", run, securityContext: { capabilities: { drop: ["ALL"], add: ["NET_BIND_SERVICE"] } } },
    { name: "more", run, securityContext: { capabilities: { add: ["SYS_TIME"] } } },
    { name: "reader", run, securityContext: { readOnlyRootFilesystem: true } },
    { name: "mighty", run, securityContext: { privileged: true } },
  ];
  const pod = host.aPod({ containers });
  await host.must("run", "-d", pod.file);
  await host.must("wait", pod.name);
  const of = (name: string) => readStatus(host, pod.name, name);
  const usual = await of("usual");
  t.match(usual, { Uid: "0\t0\t0\t0", Gid: "0\t0\t0\t0", NoNewPrivs: "0", Seccomp: "2", Writes: "yes" });
  const usualCaps = BigInt(`0x${usual.CapEff}`);
  t.match(await of("somebody"), { Uid: "1234\t1234\t1234\t1234", Gid: "77\t77\t77\t77", CapEff: "0000000000000000" });
  t.match(await of("less"), { CapEff: "0000000000000400", CapBnd: "0000000000000400" });
  t.equal(BigInt(`0x${(await of("more")).CapEff}`), usualCaps | (1n << 25n));
  t.match(await of("reader"), { Writes: "no" });
  const here = /^CapBnd:\t(.*)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  t.match(await of("mighty"), { CapEff: here, Seccomp: "0" }, "all that we have ourselves");
});

testWithPeapod("volumes: emptyDir, in memory, and a directory of the host", async (t, host) => {
  const dir = join(host.dir, "data");
  mkdirSync(dir);
  writeFileSync(join(dir, "from-host"), "hello\n");
  const volumes = [
    { name: "scratch", emptyDir: {} },
    { name: "ram", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
    { name: "data", hostPath: { path: dir } },
  ];
  const mounts = volumes.map(({ name }) => ({ name, mountPath: `/${name}` }));
  const readOnly = mounts.map((mount) => ({ ...mount, readOnly: true }));
  const write = "cat /data/from-host; for v in scratch ram data; do echo of-writer > /$v/file; done; exec sleep 1000";
  const containers = [
    { name: "writer", run: write, volumeMounts: mounts },
    { name: "reader", volumeMounts: readOnly },
    { name: "stranger" },
  ];
  const pod = host.aPod({ containers, spec: { volumes } });
  await host.must("run", "-d", pod.file);
  await waitUntil("the host sees it", () => existsSync(join(dir, "file")));
  t.equal(await host.must("logs", pod.name, "-c", "writer"), "hello\n");
  const inReader = (...args: string[]) => host.peapod("exec", pod.name, "-c", "reader", "--", ...args);
  for (const name of ["scratch", "ram", "data"]) {
    t.match(await inReader("cat", `/${name}/file`), { code: 0, out: "of-writer\n" }, name);
    t.match(await inReader("touch", `/${name}/mine`), { code: 1, err: /Read-only/ }, `${name} is read-only`);
  }
  t.match(await inReader("stat", "-f", "-c", "%T", "/ram"), { code: 0, out: /tmpfs/ });
  t.match(await host.peapod("exec", pod.name, "-c", "writer", "--", "sh", "-c", "cat /bin/busybox > /ram/big"), {
    code: 1,
    err: /No space/,
  });
  t.match(await host.peapod("exec", pod.name, "-c", "stranger", "ls", "/scratch"), { code: 1 });
  await host.must("delete", "--force", pod.name);
  t.same(readdirSync(dir).sort(), ["file", "from-host"], "what is the host's stays");
});

testWithPeapod("the image is never written to, and no container sees what another writes", async (t, host) => {
  const image = join(host.dir, "image");
  execFileSync("cp", ["-a", (await import("../support/rootfs.ts")).busyboxRootfs(), image]);
  const list = () => execFileSync("find", [image, "-printf", "%p %m %s %T@ %C@\n"], { encoding: "utf8" });
  const before = list();
  const run = "echo changed > /etc/passwd; rm -f /bin/wc; mkdir /new; touch /new/mine; chmod 700 /tmp; ls /new";
  const containers = ["a", "b"].map((name) => ({
    name,
    image: `rootfs:${image}`,
    run: `${run}; touch /new/${name}; ls /new`,
  }));
  const pod = host.aPod({ containers });
  await host.must("run", "-d", pod.file);
  await host.must("wait", pod.name);
  t.equal(await host.must("logs", pod.name, "-c", "a"), "mine\na\nmine\n");
  t.equal(await host.must("logs", pod.name, "-c", "b"), "mine\nb\nmine\n");
  await host.must("delete", pod.name);
  t.equal(list(), before);
});

testWithPeapod("shareProcessNamespace: they see each other, and a first process that is neither", async (t, host) => {
  const containers = [
    { name: "a", run: "exec sleep 1111" },
    { name: "b", run: "exec sleep 2222" },
  ];
  const shared = host.aPod({ containers, spec: { shareProcessNamespace: true } });
  const alone = host.aPod({ containers });
  for (const pod of [shared, alone]) await host.must("run", "-d", pod.file);
  const seen = async (pod: string) => await host.must("exec", pod, "-c", "b", "ps", "-o", "pid,args");
  const together = await seen(shared.name);
  t.match(together, /sleep 1111/);
  t.match(together, /sleep 2222/);
  t.match(together, /^ *1 \/pause/m);
  t.notMatch(await seen(alone.name), /sleep 1111/);
  await host.must("kill", shared.name, "-c", "a");
  t.equal(await host.must("wait", shared.name, "-c", "a"), "143\n");
  t.equal((await host.state(shared)).status, "running", "the other lives on");
});

testWithPeapod("the host's namespaces, seen from inside", async (t, host) => {
  const links = ["net", "pid", "ipc", "uts"];
  const run = `for n in ${links.join(" ")}; do readlink /proc/self/ns/$n; done`;
  const inside = async (spec: Record<string, unknown>) => {
    const pod = host.aPod({ containers: [{ name: "a", run }], spec });
    const { out } = await host.peapod("run", pod.file);
    const found = out.trimEnd().split("\n");
    return links.filter(
      (_, i) => found[i] === execFileSync("readlink", [`/proc/self/ns/${links[i]}`], { encoding: "utf8" }).trim(),
    );
  };
  t.same(await inside({}), [], "none unless asked for");
  t.same(await inside({ hostNetwork: true }), ["net", "uts"], "the host's name belongs to its network");
  t.same(await inside({ hostPID: true }), ["pid"]);
  t.same(await inside({ hostIPC: true }), ["ipc"]);
});

testWithPeapod("who does not wait for a stop is told that it goes on", async (t, host) => {
  const pod = host.aPod({ containers: [{ name: "a", run: "trap '' TERM; while :; do sleep 1; done" }] });
  await host.must("run", "-d", pod.file);
  const stopping = host.start(["stop", pod.name]);
  await waitUntil("it is being stopped", async () => (await host.state(pod)).status === "stopping");
  stopping.child.kill("SIGINT");
  const err = `peapod: pod ${pod.name}: goes on with what was asked of it; peapod state ${pod.name} tells of it\n`;
  t.match(await stopping.ended, { code: 130, err });
  t.equal((await host.state(pod)).status, "stopping");
});

testWithPeapod("plain changes are asked for without Node, all else goes to it", async (t, host) => {
  const script = join(host.dir, "node");
  writeFileSync(script, '#!/bin/sh\necho "node $*"\n', { mode: 0o755 });
  const ask = async (...words: string[]) => {
    const done = await execa(`${BIN}peapod-ask`, [script, "main", "--", ...words], { env: { PEAPOD_ROOT: host.root } });
    return done.stdout;
  };
  const pod = host.aPod({ containers: 2 });
  await host.must("create", pod.file);
  for (const [verb, status] of [
    ["start", "running"],
    ["pause", "paused"],
    ["resume", "running"],
  ] as const) {
    t.equal(await ask(verb, pod.name), "", verb);
    t.equal((await host.state(pod)).status, status, verb);
  }
  t.equal(await ask("delete", pod.name), `node main delete ${pod.name}`, "a refusal is told by Node");
  for (const words of [
    ["delete", "-f"],
    ["delete", "-f", "a", "b"],
    ["stop", "-t", "1"],
    ["delete", "-x", "a"],
    ["kill", "a"],
    ["delete", "../a"],
    ["delete", "-f", "nobody"],
    ["stop", "A"],
  ]) {
    t.equal(await ask(...words), `node main ${words.join(" ")}`);
  }
  await waitUntil("it is asleep", () => supervisorOf(host, pod) === undefined);
  t.equal(await ask("delete", "--force", pod.name), "", "a sleeping supervisor is woken");
  t.match((await host.peapod("state", pod.name)).err, /does not exist/);
});
