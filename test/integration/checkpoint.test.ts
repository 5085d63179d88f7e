// checkpoint and restore: a pod put on disk as it is at one instant, and going on from there.

import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PodName } from "../../src/base/names.ts";
import { checkpointDir, makePodPaths } from "../../src/base/paths.ts";
import { NO_CRIU } from "../support/criu.ts";
import { killIfThere } from "../support/if-any.ts";
import { readLogTexts, reaperOf, supervisorOf } from "../support/own-processes.ts";
import { type PeapodHost, type PodFile, type Test, testWithPeapod } from "../support/peapod-host.ts";
import { waitUntil } from "../support/wait-until.ts";

const NEEDED = { skip: NO_CRIU };
const COUNT = "i=0; while :; do i=$((i+1)); echo $i; echo $i >/v/n; sleep 0.05; done";
/** Says nothing and stays. Not `sleep 1000`: CRIU ends a wait of the kernel's that can only be begun anew, and sleep(1) with it. */
const FOREVER = "tail -f /dev/null";
const SCRATCH = { volumes: [{ name: "scratch", emptyDir: {} }] };
const AT_SCRATCH = { volumeMounts: [{ name: "scratch", mountPath: "/v" }] };

const dirOf = (host: PeapodHost, pod: PodFile) => checkpointDir(makePodPaths(host.root, pod.name as PodName));
const statusOf = async (host: PeapodHost, pod: PodFile) => (await host.shown(pod)).status;
const lastLine = (host: PeapodHost, pod: PodFile, name: string) => readLogTexts(host, pod, name).at(-1) ?? "";

async function says(host: PeapodHost, pod: PodFile, name: string, least: number): Promise<void> {
  await waitUntil(`${name} says ${least}`, () => Number(lastLine(host, pod, name)) >= least);
}

/** Each number once and in order, however often it was away. */
function countsOn(t: Test, host: PeapodHost, pod: PodFile, name: string): void {
  const said = readLogTexts(host, pod, name).map(Number);
  t.same(
    said,
    said.map((_, index) => index + 1),
    `${name} has counted on, and no line is missing or twice`,
  );
}

/** proc_pid_net(5): 01 is ESTABLISHED. */
async function isConnected(host: PeapodHost, pod: PodFile): Promise<boolean> {
  return /^ *\d+: 0100007F:\S+ 0100007F:\S+ 01 /m.test(
    await host.must("exec", "-c", "bad", pod.name, "cat", "/proc/net/tcp"),
  );
}

async function typesOf(host: PeapodHost, pod: PodFile): Promise<string[]> {
  const text = await host.must("events", pod.name, "--format", "json");
  return text
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { type: string }).type);
}

testWithPeapod(
  "a pod goes on from where it was put on disk: memory, files, volumes, log",
  async (t, host) => {
    const pod = host.aPod({
      containers: [
        { name: "web", run: `echo mine >/root.txt; echo ours >/dev/shm/x; ${COUNT}`, ...AT_SCRATCH },
        { name: "other", run: "i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done" },
      ],
      spec: SCRATCH,
    });
    await host.must("run", "-d", pod.file);
    for (const round of [1, 2]) {
      await says(host, pod, "web", round * 10);
      const before = await host.state(pod);
      await host.must("checkpoint", pod.name);
      t.match(await host.shown(pod), {
        status: "checkpointed",
        containers: [{ status: "checkpointed", pid: null }, {}],
      });
      t.ok(existsSync(dirOf(host, pod)));
      t.same(await host.must("ps", pod.name, "--format", "json"), "[]\n", "no process is left");
      const said = [readLogTexts(host, pod, "web").length, readLogTexts(host, pod, "other").length];
      await host.must("restore", pod.name);
      t.notOk(existsSync(dirOf(host, pod)), "nothing is kept of it");
      const after = await host.state(pod);
      t.match(after, { status: "running", containers: [{ status: "running" }, { status: "running" }] });
      t.same(
        after.containers.map(({ startedAt }) => startedAt),
        before.containers.map(({ startedAt }) => startedAt),
        "it is the same life",
      );
      t.not(after.containers[0]?.pid, before.containers[0]?.pid);
      await waitUntil("both go on", () =>
        ["web", "other"].every((name, index) => readLogTexts(host, pod, name).length > (said[index] ?? 0) + 3),
      );
      t.equal(await host.must("exec", "-c", "web", pod.name, "cat", "/root.txt", "/dev/shm/x"), "mine\nours\n");
      t.equal(await host.must("exec", "-c", "other", pod.name, "cat", "/dev/shm/x"), "ours\n", "still shared");
      const { out } = await host.peapod("ns", pod.name, "--diff");
      const differing = out.split("\n").flatMap((line) => line.split(/ +/)[1] ?? []);
      t.same(new Set(differing.slice(1)), new Set(["time"]), "where it was, but that CRIU gives it a clock of its own");
    }
    countsOn(t, host, pod, "web");
    countsOn(t, host, pod, "other");
    const types = await typesOf(host, pod);
    t.same(types.slice(-4), ["pod.checkpointed", "pod.restored", "pod.checkpointed", "pod.restored"]);
  },
  NEEDED,
);

testWithPeapod(
  "exits, restarts and probes go on after a restore",
  async (t, host) => {
    const readinessProbe = { exec: { command: ["test", "-e", "/v/ok"] }, periodSeconds: 1, timeoutSeconds: 50 };
    const pod = host.aPod({
      containers: [
        { name: "web", run: `echo >/v/ok; ${COUNT}`, readinessProbe, ...AT_SCRATCH },
        { name: "job", run: "while [ ! -e /v/end ]; do sleep 0.05; done; exit 3", ...AT_SCRATCH },
        // In short naps: CRIU ends the one that it interrupts.
        { name: "again", run: "while :; do sleep 0.05; done", ...AT_SCRATCH },
      ],
      annotations: { "peapod/backOff": "initial=0.1" },
      spec: { ...SCRATCH, restartPolicy: "Never" },
    });
    await host.must("run", "-d", pod.file);
    await host.must("restart", pod.name, "-c", "again");
    await host.must("wait", pod.name, "--for=ready");
    await host.must("checkpoint", pod.name);
    await host.must("restore", pod.name);
    t.match(await host.shown(pod), { containers: [{ ready: true }, {}, { restartCount: 1 }] });
    await host.must("exec", "-c", "web", pod.name, "sh", "-c", "rm /v/ok; echo >/v/end");
    await host.must("wait", pod.name, "-c", "job");
    t.match(await host.shown(pod), { containers: [{}, { status: "exited", exitStatus: 3 }, {}] });
    await waitUntil("it is not ready", async () => !(await host.state(pod)).containers[0]?.ready);
    await host.must("restart", pod.name, "-c", "web");
    t.match(await host.shown(pod), { containers: [{ status: "running", restartCount: 1 }, {}, {}] });
    // One that has ended is not put on disk, and has ended afterwards, too.
    await host.must("checkpoint", pod.name);
    await host.must("restore", pod.name);
    t.match(await host.shown(pod), { containers: [{ status: "running" }, { exitStatus: 3 }, { status: "running" }] });
    await host.must("stop", pod.name);
    t.equal(await statusOf(host, pod), "exited");
  },
  NEEDED,
);

testWithPeapod(
  "what cannot be put on disk ends nobody, and leaves nothing",
  async (t, host) => {
    const pod = host.aPod({
      containers: [
        { name: "good", run: COUNT, ...AT_SCRATCH },
        // A connection, to itself.
        { name: "bad", run: `${FOREVER} | nc -l -p 7000 & sleep 0.5; ${FOREVER} | nc 127.0.0.1 7000` },
      ],
      spec: SCRATCH,
    });
    await host.must("run", "-d", pod.file);
    await waitUntil("it is connected", () => isConnected(host, pod));
    await says(host, pod, "good", 5);
    const before = await host.state(pod);
    const { code, err } = await host.peapod("checkpoint", pod.name);
    t.equal(code, 125);
    t.match(err, /^peapod: container bad: cannot be checkpointed: .*tcp-established/);
    const after = await host.state(pod);
    t.same(
      after.containers.map(({ pid, status }) => [pid, status]),
      before.containers.map(({ pid, status }) => [pid, status]),
    );
    t.notOk(existsSync(dirOf(host, pod)));
    t.notOk((await typesOf(host, pod)).includes("pod.checkpointed"));
    await says(host, pod, "good", Number(lastLine(host, pod, "good")) + 5);
    countsOn(t, host, pod, "good");
    t.ok(
      existsSync(join(makePodPaths(host.root, pod.name as PodName).dir, "criu", "bad-dump.log")),
      "CRIU's log stays",
    );
    await host.must("checkpoint", "--tcp-established", pod.name);
    await host.must("restore", pod.name);
    t.ok(await isConnected(host, pod));
  },
  NEEDED,
);

testWithPeapod(
  "connections between two containers go on",
  async (t, host) => {
    const pod = host.aPod({
      containers: [
        { name: "server", run: "nc -l -p 7001 -e sh -c 'while read x; do echo got $x; done'" },
        {
          name: "client",
          run: "sleep 0.5; (i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done) | nc 127.0.0.1 7001",
        },
      ],
    });
    await host.must("run", "-d", pod.file);
    const got = () => readLogTexts(host, pod, "client").length;
    await waitUntil("they talk", () => got() > 5);
    await host.must("checkpoint", "--tcp-established", pod.name);
    const before = got();
    await host.must("restore", pod.name);
    await waitUntil("they talk on", () => got() > before + 5);
    const said = readLogTexts(host, pod, "client");
    t.same(
      said,
      said.map((_, index) => `got ${index + 1}`),
      "and nothing is missing",
    );
  },
  NEEDED,
);

testWithPeapod(
  "while it is checkpointed a pod can be deleted, and nothing else but restored",
  async (t, host) => {
    const pod = host.aPod();
    await host.must("run", "-d", pod.file);
    t.match(await host.peapod("restore", pod.name), { code: 125, err: /cannot restore, it is running/ });
    await host.must("checkpoint", pod.name);
    for (const verb of ["checkpoint", "stop", "restart", "pause", "resume", "start"])
      t.match(await host.peapod(verb, pod.name), { code: 125, err: /checkpointed/ }, verb);
    t.match(await host.peapod("exec", pod.name, "true"), { code: 125, err: /not running, it is checkpointed/ });
    t.match(await host.must("list"), /checkpointed/);
    await host.must("delete", pod.name);
    t.notOk(existsSync(dirOf(host, pod)));
  },
  NEEDED,
);

testWithPeapod(
  "whenever the supervisor is killed, the pod runs as before or is checkpointed as a whole",
  async (t, host) => {
    const pod = host.aPod({
      containers: [
        { name: "web", run: COUNT, ...AT_SCRATCH },
        { name: "other", run: "i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done" },
      ],
      spec: SCRATCH,
    });
    await host.must("run", "-d", pod.file);
    let kills = 0;
    for (const afterMs of [50, 300, 600, 900, 1200, 1500]) {
      for (const verb of ["checkpoint", "restore"]) {
        const asked = host.start([verb, pod.name]);
        const over = asked.ended.then(() => true);
        await new Promise((resolve) => setTimeout(resolve, afterMs));
        if (killIfThere(supervisorOf(host, pod))) kills += 1;
        await over;
        // Whoever asked was answered by the supervisor that followed.
        t.match(await asked.ended, { code: 0, err: "" }, `${verb}, killed after ${afterMs} ms`);
        const { status, containers } = await host.state(pod);
        const expected = verb === "checkpoint" ? "checkpointed" : "running";
        t.equal(status, expected);
        t.ok(containers.every((one) => one.status === expected));
        t.equal(existsSync(dirOf(host, pod)), verb === "checkpoint");
      }
      await says(host, pod, "web", Number(lastLine(host, pod, "web")) + 3);
    }
    t.ok(kills >= 6, `${kills} supervisors were killed`);
    countsOn(t, host, pod, "web");
    countsOn(t, host, pod, "other");
    t.notOk((await typesOf(host, pod)).includes("container.exited"), "nobody's exit was told");
    t.same(readdirSync(join(makePodPaths(host.root, pod.name as PodName).runtimeRoot)).sort(), ["other", "web"]);
  },
  NEEDED,
);

testWithPeapod(
  "whenever the reaper is killed, the pod is whole as well, and exits are told by the next one",
  async (t, host) => {
    const pod = host.aPod({
      containers: [
        { name: "web", run: COUNT, ...AT_SCRATCH },
        { name: "job", run: "while [ ! -e /v/end ]; do sleep 0.05; done; exit 3", ...AT_SCRATCH },
      ],
      spec: SCRATCH,
    });
    await host.must("run", "-d", pod.file);
    await host.must("checkpoint", pod.name);
    t.ok(killIfThere(reaperOf(host, pod)), "while it is away");
    await host.must("restore", pod.name);
    for (const verb of ["checkpoint", "restore"]) {
      const asked = host.start([verb, pod.name]);
      await new Promise((resolve) => setTimeout(resolve, 500));
      t.ok(killIfThere(reaperOf(host, pod)), `while ${verb} is at work`);
      t.match(await asked.ended, { code: 0, err: "" });
      const expected = verb === "checkpoint" ? "checkpointed" : "running";
      const { status, containers } = await host.state(pod);
      t.same([status, ...containers.map((one) => one.status)], [expected, expected, expected]);
    }
    await host.touch(pod.name, "/v/end", "web");
    await host.must("wait", "-c", "job", pod.name);
    t.match((await host.shown(pod)).containers, [{ status: "running" }, { status: "exited", exitStatus: 3 }]);
    countsOn(t, host, pod, "web");
  },
  NEEDED,
);

/** A program that answers as CRIU does, as far as it goes. */
function aStandIn(host: PeapodHost, answers: string): string {
  const dir = join(host.dir, "stand-in");
  mkdirSync(dir, { recursive: true });
  const path = join(dir, "criu");
  writeFileSync(path, `#!/bin/sh\ncase $1 in\n--version) echo 'Version: 3.17.1' ;;\n${answers}\nesac\n`);
  chmodSync(path, 0o755);
  return path;
}

const WORKS = "check) echo 'Looks good.' ;;";
const CANNOT = "check) echo 'Error (criu/vdso.c:381): vdso: Unexpected rt vDSO area bounds' >&2; exit 1 ;;";

/** Nothing was done to it. */
async function runsOn(t: Test, host: PeapodHost, pod: PodFile): Promise<void> {
  t.equal(await statusOf(host, pod), "running");
  t.notOk(existsSync(dirOf(host, pod)), "nothing is on disk");
  const types = await typesOf(host, pod);
  t.notOk(types.some((type) => type.startsWith("pod.checkpoint") || type === "container.exited"));
}

testWithPeapod("without a CRIU that works here a checkpoint says so, and touches nothing", async (t, host) => {
  const pod = host.aPod({ containers: [{ name: "web", run: COUNT, ...AT_SCRATCH }], spec: SCRATCH });
  await host.must("run", "-d", pod.file);
  const { pid } = (await host.state(pod)).containers[0] ?? {};
  const asked = async (criu: string) => await host.peapod("checkpoint", "--criu", criu, pod.name);
  t.match(await asked("/nowhere/criu"), {
    code: 125,
    err: /^peapod: criu \/nowhere\/criu: there is no such program\nhint: .*apt-get install criu/,
  });
  t.match(await asked(aStandIn(host, CANNOT)), {
    code: 125,
    err: /^peapod: criu 3\.17\.1: cannot work on this kernel, Linux \S+: vdso: Unexpected rt vDSO area bounds\nhint:/,
  });
  await runsOn(t, host, pod);
  t.match((await host.state(pod)).containers, [{ pid }], "and it is the same process");
});

testWithPeapod("a CRIU that fails half-way leaves the pod running and nothing on disk", async (t, host) => {
  const pod = host.aPod({ containers: [{ name: "web", run: COUNT, ...AT_SCRATCH }, { name: "other" }], spec: SCRATCH });
  await host.must("run", "-d", pod.file);
  const { code, err } = await host.peapod(
    "checkpoint",
    "--criu",
    aStandIn(host, `${WORKS}\nswrk) exit 3 ;;`),
    pod.name,
  );
  t.equal(code, 125);
  t.match(err, /^peapod: container web: .*criu/i);
  await runsOn(t, host, pod);
  const said = Number(lastLine(host, pod, "web"));
  await says(host, pod, "web", said + 3);
  countsOn(t, host, pod, "web");
});

testWithPeapod("what is no matter for CRIU is refused with the reason, before it is asked", async (t, host) => {
  const criu = aStandIn(host, WORKS);
  const secret = join(host.dir, "secret.yaml");
  writeFileSync(secret, "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {key: value}\n");
  const withSecret = { env: [{ name: "KEY", valueFrom: { secretKeyRef: { name: "s", key: "key" } } }] };
  const cases = [
    { containers: [{ name: "web", tty: true }], why: "container web: has a terminal, which is not its own" },
    { spec: { shareProcessNamespace: true }, why: "pod N: its pid namespace ends with the first process of _pause" },
    { spec: { hostPID: true }, why: "container c1: is in the pid namespace of the host" },
    { containers: [{ name: "web", ...withSecret }], why: "pod N: has or had Secrets, which would stand on disk" },
  ];
  for (const { why, ...request } of cases) {
    const pod = host.aPod(request);
    await host.must("run", "-d", "--configmap", secret, pod.file);
    const { code, err } = await host.peapod("checkpoint", "--criu", criu, pod.name);
    t.equal(code, 125);
    t.ok(err.startsWith(`peapod: ${why.replace("N", pod.name)}`), err);
    await runsOn(t, host, pod);
    await host.must("delete", "-f", pod.name);
  }
});

testWithPeapod(
  "a command beside a container and a stopped process are refused, as long as they are there",
  async (t, host) => {
    const criu = aStandIn(host, WORKS);
    const pod = host.aPod({ containers: [{ name: "web", run: "sleep 1000 & while :; do sleep 0.05; done" }] });
    await host.must("run", "-d", pod.file);
    const refusal = async () => (await host.peapod("checkpoint", "--criu", criu, pod.name)).err;
    const beside = host.start(["exec", pod.name, "sh", "-c", "while [ ! -e /end ]; do sleep 0.05; done"]);
    await waitUntil("it runs", async () => /\[ ! -e/.test(await host.must("ps", pod.name)));
    t.match(await refusal(), /^peapod: container web: a command that exec began in it still runs \(sh, process \d+\)/);
    await host.touch(pod.name, "/end");
    await beside.ended;
    await host.must("exec", pod.name, "sh", "-c", "kill -STOP $(pidof sleep | tr ' ' '\\n' | sort -n | head -n 1)");
    t.match(await refusal(), /^peapod: container web: a process is stopped \(sleep, process \d+\)/);
    await runsOn(t, host, pod);
  },
);
