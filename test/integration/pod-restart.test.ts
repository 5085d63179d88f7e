// restart: of a container, and of the whole pod.

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Event } from "../../src/state/event.ts";
import { killIfThere } from "../support/if-any.ts";
import { supervisorOf } from "../support/own-processes.ts";
import { type PeapodHost, type PodFile, testWithPeapod } from "../support/peapod-host.ts";
import { waitUntil } from "../support/wait-until.ts";

const STAY = "trap 'exit 0' TERM; while :; do sleep 0.05; done";
const SCRATCH = { volumes: [{ name: "scratch", emptyDir: {} }] };
const AT_SCRATCH = { volumeMounts: [{ name: "scratch", mountPath: "/v" }] };

async function eventsOf(host: PeapodHost, pod: PodFile): Promise<Event[]> {
  const text = await host.must("events", pod.name, "--format", "json");
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Event);
}

/** `started web`, `exited web`, `pod.restarted`: what was done with whom, in order. */
async function storyOf(host: PeapodHost, pod: PodFile): Promise<string[]> {
  return (await eventsOf(host, pod)).flatMap((event) => {
    if (event.type === "container.started" || event.type === "container.exited")
      return [`${event.type.slice(10)} ${event.container}`];
    return event.type.startsWith("pod.") && event.type !== "pod.wanted" ? [event.type] : [];
  });
}

const container = async (host: PeapodHost, pod: PodFile, index = 0) => (await host.shown(pod)).containers[index];

testWithPeapod("a container is ended in order and started again at once, whatever its policy", async (t, host) => {
  const preStop = { exec: { command: ["/bin/sh", "-c", "echo pre >>/v/said"] } };
  const pod = host.aPod({
    containers: [
      {
        name: "web",
        run: "trap 'echo term >>/v/said; exit 3' TERM; echo up >>/v/said; while :; do sleep 0.05; done",
        lifecycle: { preStop },
        ...AT_SCRATCH,
      },
      { name: "other", run: STAY },
    ],
    annotations: { "peapod/backOff": "initial=300" },
    spec: { ...SCRATCH, terminationGracePeriodSeconds: 20 },
  });
  await host.must("run", "-d", pod.file);
  const before = await host.shown(pod);
  for (const attempt of [1, 2]) {
    const said = async () => (await host.must("exec", "-c", "web", pod.name, "cat", "/v/said")).trim().split("\n");
    await waitUntil("it is up", async () => (await said()).filter((one) => one === "up").length === attempt);
    await host.must("restart", pod.name, "-c", "web");
    const web = await container(host, pod);
    t.match(web, { restartCount: attempt, status: "running", lastState: { exitStatus: 3 }, backOffUntil: null });
    await waitUntil("it is up again", async () => (await said()).length === 1 + 3 * attempt);
    t.same((await said()).slice(-4), ["up", "pre", "term", "up"]);
  }
  const after = await host.shown(pod);
  t.equal(after.containers[1]?.pid, before.containers[1]?.pid, "the other one heard nothing of it");
  t.equal(after.status, "running");
});

testWithPeapod("-t bounds a container's grace; a deaf one is killed", async (t, host) => {
  const pod = host.aPod({
    containers: [{ name: "deaf", run: "trap '' TERM; while :; do sleep 0.05; done" }],
    spec: { terminationGracePeriodSeconds: 1000 },
  });
  await host.must("run", "-d", pod.file);
  await host.must("restart", "-t", "0.3", "-c", "deaf", pod.name);
  t.match(await container(host, pod), { restartCount: 1, lastState: { exitStatus: 137 } });
});

testWithPeapod("a container that has ended for good comes back, while its pod is up", async (t, host) => {
  const pod = host.aPod({
    containers: [
      { name: "job", run: "exit 4" },
      { name: "web", run: STAY },
    ],
  });
  await host.must("run", "-d", pod.file);
  await host.must("wait", "-c", "job", pod.name);
  await host.must("restart", "-c", "job", pod.name);
  t.match(await container(host, pod), { restartCount: 1, lastState: { exitStatus: 4 } });
});

testWithPeapod("a pod goes down and comes up in order, with what its volumes hold", async (t, host) => {
  const pod = host.aPod({
    init: [
      { name: "init", run: "echo init >>/v/said", ...AT_SCRATCH },
      { name: "side", run: STAY, restartPolicy: "Always" },
    ],
    containers: [{ name: "web", run: `echo web >>/v/said; touch /only-once; ${STAY}`, ...AT_SCRATCH }],
    spec: { ...SCRATCH, terminationGracePeriodSeconds: 20 },
  });
  await host.must("run", "-d", pod.file);
  await host.must("wait", "--for=ready", pod.name);
  const count = (await storyOf(host, pod)).length;
  await host.must("restart", pod.name);
  await host.must("wait", "--for=ready", pod.name);
  // It may come before or after the first of them has ended.
  const story = (await storyOf(host, pod)).slice(count);
  t.ok(story.includes("pod.started"));
  t.same(
    story.filter((one) => one !== "pod.started"),
    [
      "exited web",
      "exited side",
      "pod.exited",
      "pod.restarted",
      "started init",
      "exited init",
      "started side",
      "pod.initialized",
      "started web",
    ],
  );
  const said = () => host.must("exec", "-c", "web", pod.name, "cat", "/v/said");
  await waitUntil("all have spoken", async () => (await said()).split("\n").length === 5);
  t.equal(await said(), "init\nweb\ninit\nweb\n", "the volume is the same");
  const { containers, restartedAt, phase } = await host.shown(pod);
  t.same(
    containers.map(({ restartCount }) => restartCount),
    [1, 1, 1],
  );
  t.type(restartedAt, "string");
  t.equal(phase, "Running");
  t.match(await host.must("logs", "-c", "init", pod.name), "");
});

testWithPeapod("a pod that has ended by itself comes up again, as often as it is asked", async (t, host) => {
  const pod = host.aPod({
    containers: [{ name: "job", run: "echo run >>/v/n; exit $(wc -l </v/n)", ...AT_SCRATCH }],
    spec: SCRATCH,
  });
  await host.must("run", "-d", pod.file);
  for (const status of [1, 2, 3]) {
    t.equal((await host.must("wait", pod.name)).trim(), `${status}`);
    if (status < 3) await host.must("restart", pod.name);
  }
  t.equal((await container(host, pod))?.restartCount, 2);
});

testWithPeapod("a created pod is started, a paused one restarted, a stopped one started again", async (t, host) => {
  const pod = host.aPod({ containers: [{ name: "web", run: STAY }] });
  await host.must("create", pod.file);
  await host.must("restart", pod.name);
  t.match(await container(host, pod), { restartCount: 0, status: "running" });
  await host.must("pause", pod.name);
  await host.must("restart", pod.name);
  t.equal((await host.shown(pod)).status, "running");
  await host.must("stop", pod.name);
  await host.must("restart", pod.name);
  t.equal((await host.shown(pod)).status, "running");
  t.equal((await container(host, pod))?.restartCount, 2);
});

testWithPeapod("a shared pid namespace begins anew, too", async (t, host) => {
  const pod = host.aPod({
    containers: [
      { name: "a", run: STAY },
      { name: "b", run: STAY },
    ],
    spec: { shareProcessNamespace: true },
  });
  await host.must("run", "-d", pod.file);
  await host.must("restart", pod.name);
  t.equal((await host.must("exec", "-c", "a", pod.name, "readlink", "/proc/1/exe")).trim(), "/pause");
  const pids = await host.must("exec", "-c", "a", pod.name, "ps");
  // A shell that has just forked is there twice.
  t.ok(pids.split("\n").filter((line) => line.includes("sleep 0.05;")).length >= 2, "each sees the other");
  await host.must("restart", "-c", "b", pod.name);
  t.equal((await host.shown(pod)).status, "running");
});

testWithPeapod("who follows a foreground pod sees its next life, and it ends with that", async (t, host) => {
  const pod = host.aPod({ containers: [{ name: "web", run: `echo hello; ${STAY}` }] });
  const running = host.start(["run", pod.file]);
  await waitUntil("it speaks", () => running.said.out === "hello\n");
  await host.must("restart", pod.name);
  await waitUntil("it speaks again", () => running.said.out === "hello\nhello\n");
  await host.must("kill", pod.name, "KILL");
  t.equal((await running.ended).code, 137);
});

testWithPeapod("what cannot be restarted is refused in a sentence", async (t, host) => {
  const pod = host.aPod({ init: [{ name: "init", run: "exit 0" }], containers: [{ name: "web", run: "exit 0" }] });
  await host.must("run", "-d", pod.file);
  await host.must("wait", pod.name);
  t.match((await host.peapod("restart", "-c", "web", pod.name)).err, /cannot restart containers, it is exited/);
  t.match((await host.peapod("restart", "-c", "wep", pod.name)).err, /has no such container/);
  t.match((await host.peapod("restart", "nobody")).err, /pod nobody: does not exist/);
  const other = host.aPod({ init: [{ name: "init", run: "exit 0" }], containers: [{ name: "web", run: STAY }] });
  await host.must("run", "-d", other.file);
  t.match((await host.peapod("restart", "-c", "init", other.name)).err, /is an init container/);
});

testWithPeapod("a pod that does not come up again has failed, and may be tried once more", async (t, host) => {
  const program = join(host.dir, "program");
  const write = () => writeFileSync(program, "#!/bin/sh\nexec sleep 1000\n", { mode: 0o755 });
  write();
  const pod = host.aPod({
    containers: [
      { name: "web", run: ["/v/program"], ...AT_SCRATCH },
      { name: "other", run: STAY },
    ],
    spec: { volumes: [{ name: "scratch", hostPath: { path: host.dir } }] },
  });
  await host.must("run", "-d", pod.file);
  rmSync(program);
  const { code, err } = await host.peapod("restart", pod.name);
  t.not(code, 0);
  t.match(err, /container web.*program/);
  t.match(await host.shown(pod), { status: "failed", containers: [{ status: "exited" }, { status: "exited" }] });
  write();
  await host.must("restart", pod.name);
  t.equal((await host.shown(pod)).status, "running");
});

testWithPeapod(
  "a supervisor that is killed at any moment of a restart is followed by one that ends it",
  async (t, host) => {
    const pod = host.aPod({
      init: [{ name: "init", run: "exit 0" }],
      containers: [
        { name: "web", run: "trap 'sleep 0.1; exit 0' TERM; while :; do sleep 0.02; done" },
        { name: "other", run: STAY },
      ],
      spec: { terminationGracePeriodSeconds: 20 },
    });
    await host.must("run", "-d", pod.file);
    await host.must("wait", "--for=ready", pod.name);
    for (let round = 1; round <= 12; round += 1) {
      const asked = host.start(["restart", pod.name, ...(round % 3 === 0 ? ["-c", "web"] : [])]);
      await new Promise((resolve) => setTimeout(resolve, 60 + round * 45));
      killIfThere(supervisorOf(host, pod));
      const { code, err } = await asked.ended;
      t.equal(code, 0, err);
      await host.must("wait", "--for=ready", pod.name);
      const { containers } = await host.shown(pod);
      t.equal(containers[1]?.restartCount, round, `once, in round ${round}`);
    }
  },
);
