// What becomes of a container that has ended: started again or not, when, and as what.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Event } from "../../src/state/event.ts";
import { killIfThere } from "../support/if-any.ts";
import { supervisorOf } from "../support/own-processes.ts";
import { type PeapodHost, type PodFile, testWithPeapod } from "../support/peapod-host.ts";
import { patient } from "../support/slowness.ts";
import { waitUntil } from "../support/wait-until.ts";

const STAY = "trap 'exit 0' TERM; while :; do sleep 0.05; done";
/** Longer than an exit takes to be noticed. */
const FIRST_MS = patient(100);
const QUICK = { "peapod/backOff": `initial=${FIRST_MS / 1000},max=${(4 * FIRST_MS) / 1000},reset=600` };
const SCRATCH = { volumes: [{ name: "scratch", emptyDir: {} }] };
const AT_SCRATCH = { volumeMounts: [{ name: "scratch", mountPath: "/v" }] };
/** Fails so often, then ends with `code`. */
const failing = (times: number, code: number) =>
  `echo run >>/v/runs; [ $(wc -l </v/runs) -gt ${times} ] && exit ${code}; exit 9`;

async function eventsOf(host: PeapodHost, pod: PodFile): Promise<Event[]> {
  const text = await host.must("events", pod.name, "--format", "json");
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Event);
}

const container = async (host: PeapodHost, pod: PodFile, index = 0) => (await host.shown(pod)).containers[index];

testWithPeapod("OnFailure: a container is started again until it ends with 0", async (t, host) => {
  const pod = host.aPod({
    containers: [{ name: "job", run: failing(3, 0), ...AT_SCRATCH }],
    annotations: QUICK,
    spec: { restartPolicy: "OnFailure", ...SCRATCH },
  });
  t.equal((await host.peapod("run", "--keep", pod.file)).code, 0);
  t.match(await container(host, pod), {
    restartCount: 3,
    reason: "Completed",
    lastState: { exitStatus: 9, reason: "Error" },
  });
  t.equal((await host.shown(pod)).phase, "Succeeded");
});

testWithPeapod("Always: also after 0, until the pod is stopped; and Always is the default", async (t, host) => {
  for (const restartPolicy of ["Always", undefined]) {
    const pod = host.aPod({ containers: [{ name: "c", run: "exit 0" }], annotations: QUICK, spec: { restartPolicy } });
    await host.must("run", "-d", pod.file);
    await waitUntil("it came back twice", async () => ((await container(host, pod))?.restartCount ?? 0) >= 2);
    t.match((await host.shown(pod)).status, /running/);
    await host.must("stop", pod.name);
    t.equal((await host.shown(pod)).status, "exited");
  }
});

testWithPeapod("a container's own policy and rules come before the pod's", async (t, host) => {
  const rules = [{ action: "Restart", exitCodes: { operator: "In", values: [42] } }];
  const pod = host.aPod({
    containers: [
      { name: "never", run: "exit 3", restartPolicy: "Never" },
      {
        name: "rule",
        run: failing(1, 4).replace("exit 9", "exit 42"),
        restartPolicy: "Never",
        restartPolicyRules: rules,
        ...AT_SCRATCH,
      },
      { name: "once", run: failing(1, 0).replaceAll("runs", "others"), restartPolicy: "OnFailure", ...AT_SCRATCH },
    ],
    annotations: QUICK,
    spec: { restartPolicy: "Always", ...SCRATCH },
  });
  t.equal((await host.peapod("run", "--keep", pod.file)).code, 3, "the first that is not 0, as it ended last");
  const { containers } = await host.shown(pod);
  t.same(
    containers.map(({ restartCount, exitStatus }) => [restartCount, exitStatus]),
    [
      [0, 3],
      [1, 4],
      [1, 0],
    ],
  );
});

testWithPeapod("an init container is tried again as the pod's policy says", async (t, host) => {
  const pod = host.aPod({
    init: [{ name: "wait-for", run: failing(2, 0), ...AT_SCRATCH }],
    containers: [{ name: "web", run: "exit 0", restartPolicy: "Never" }],
    annotations: QUICK,
    spec: { restartPolicy: "Always", ...SCRATCH },
  });
  t.equal((await host.peapod("run", "--keep", pod.file)).code, 0);
  t.equal((await container(host, pod))?.restartCount, 2);
});

testWithPeapod(
  "the first restart comes at once, the next ones wait twice as long each, up to the most",
  async (t, host) => {
    const pod = host.aPod({
      containers: [{ name: "c", run: failing(5, 0), ...AT_SCRATCH }],
      annotations: QUICK,
      spec: { restartPolicy: "OnFailure", ...SCRATCH },
    });
    await host.must("run", "--keep", pod.file);
    const events = await eventsOf(host, pod);
    const waits = events.flatMap((event, index) => {
      if (event.type !== "container.backing-off") return [];
      const ended = events.slice(0, index).findLast(({ type }) => type === "container.exited");
      const endedAt = ended?.type === "container.exited" ? Date.parse(ended.exit.time) : 0;
      return [Math.round((Date.parse(event.until) - endedAt) / 10) * 10];
    });
    t.same(
      waits,
      [1, 2, 4, 4].map((times) => times * FIRST_MS),
    );
    events.forEach((event, index) => {
      if (event.type !== "container.backing-off") return;
      const next = events.slice(index).find(({ type }) => type === "container.creating");
      t.ok((next?.time ?? "") >= event.until, "and it is not made before");
    });
  },
);

testWithPeapod("who has run long enough begins anew", async (t, host) => {
  const pod = host.aPod({
    containers: [{ name: "c", run: `sleep 0.3; ${failing(3, 0)}`, ...AT_SCRATCH }],
    annotations: { "peapod/backOff": "initial=60,reset=0.2" },
    spec: { restartPolicy: "OnFailure", ...SCRATCH },
  });
  t.equal((await host.peapod("run", pod.file)).code, 0, "no restart had to wait");
});

testWithPeapod("while it waits, state says for how long; stop and delete do not wait with it", async (t, host) => {
  const pod = host.aPod({
    containers: [{ name: "c", run: "exit 2" }],
    annotations: { "peapod/backOff": "initial=300" },
    spec: { restartPolicy: "Always" },
  });
  await host.must("run", "-d", pod.file);
  await waitUntil("it waits", async () => typeof (await container(host, pod))?.backOffUntil === "string");
  t.match(await container(host, pod), { restartCount: 1, exitStatus: 2, status: "exited" });
  t.match(await host.must("state", "--format", "table", pod.name), /exited with 2; again in \d+ s/);
  await host.must("stop", pod.name);
  t.equal((await host.shown(pod)).exitStatus, 2);
  await host.must("delete", pod.name);
});

testWithPeapod("each attempt has a log of its own; the foreground shows them all", async (t, host) => {
  const pod = host.aPod({
    containers: [
      { name: "c", run: `echo attempt $(cat /v/runs 2>/dev/null | wc -l); ${failing(3, 0)}`, ...AT_SCRATCH },
    ],
    annotations: { ...QUICK, "peapod/logAttempts": "2" },
    spec: { restartPolicy: "OnFailure", ...SCRATCH },
  });
  const { out } = await host.peapod("run", "--keep", pod.file);
  t.same(out.match(/attempt \d/g), ["attempt 0", "attempt 1", "attempt 2", "attempt 3"]);
  t.equal(await host.must("logs", pod.name), "attempt 3\n");
  t.same(readdirSync(join(host.root, "logs", pod.name, "c")).sort(), ["2.log", "3.log"], "as many as are kept");
});

testWithPeapod("a container begins with its image, and finds its volumes as it left them", async (t, host) => {
  const pod = host.aPod({
    containers: [{ name: "c", run: `ls /mine /v/runs 2>&1; touch /mine; ${failing(1, 0)}`, ...AT_SCRATCH }],
    annotations: QUICK,
    spec: { restartPolicy: "OnFailure", ...SCRATCH },
  });
  const { out } = await host.peapod("run", pod.file);
  t.equal(out.match(/\/mine: No such file/g)?.length, 2, out);
  t.equal(out.match(/^.*\/v\/runs$/gm)?.length, 1, out);
});

testWithPeapod("the first process of a shared pid namespace is replaced, and all who lived in it", async (t, host) => {
  const pod = host.aPod({
    containers: [
      { name: "a", run: STAY },
      { name: "b", run: STAY },
    ],
    annotations: QUICK,
    spec: { restartPolicy: "Always", shareProcessNamespace: true },
  });
  await host.must("run", "-d", pod.file);
  const pause = (await host.state(pod)).containers.find(({ name }) => name === "_pause");
  killIfThere(pause?.pid ?? 0);
  await waitUntil("all are back", async () =>
    (await host.shown(pod)).containers.every(({ restartCount, status }) => restartCount >= 1 && status === "running"),
  );
  t.match(await host.must("exec", "-c", "a", pod.name, "ps"), /pause[\s\S]*sleep/);
});

testWithPeapod("who joined a container's namespace joins the new one when both come back", async (t, host) => {
  const pod = host.aPod({
    containers: [
      { name: "lender", run: STAY },
      { name: "guest", run: STAY },
    ],
    annotations: { ...QUICK, "peapod/namespaces.guest": "pid=container:lender" },
    spec: { restartPolicy: "Always" },
  });
  await host.must("run", "-d", pod.file);
  killIfThere((await container(host, pod))?.pid ?? 0);
  await waitUntil("both are back", async () =>
    (await host.shown(pod)).containers.every(({ restartCount, status }) => restartCount >= 1 && status === "running"),
  );
  const pids = (await host.must("exec", "-c", "guest", pod.name, "ps")).match(/while :/g);
  // A shell that has just forked is there twice.
  t.ok((pids?.length ?? 0) >= 2, "the guest sees the lender's processes");
});

testWithPeapod("who was killed for its memory says so", async (t, host) => {
  const pod = host.aPod({
    containers: [
      {
        name: "hog",
        run: ["tail", "/dev/zero"],
        resources: { limits: { memory: "16Mi" } },
      },
    ],
  });
  await host.peapod("run", "--keep", pod.file);
  t.match(await container(host, pod), { reason: "OOMKilled" });
});

testWithPeapod(
  "a supervisor that dies while a container waits is followed by one that keeps the time",
  async (t, host) => {
    const pod = host.aPod({
      containers: [{ name: "c", run: failing(2, 0), ...AT_SCRATCH }],
      // Shorter than what a supervisor sleeps for.
      annotations: { "peapod/backOff": `initial=${Math.min(patient(2000), 15_000) / 1000}` },
      spec: { restartPolicy: "OnFailure", ...SCRATCH },
    });
    await host.must("run", "-d", pod.file);
    await waitUntil("it waits", async () => typeof (await container(host, pod))?.backOffUntil === "string");
    const killed = supervisorOf(host, pod);
    killIfThere(killed);
    await waitUntil("the next one is there", () => ![undefined, killed].includes(supervisorOf(host, pod)));
    t.notOk(existsSync(join(host.root, "pods", pod.name, "asleep")));
    t.equal(await host.must("wait", pod.name), "0\n");
    const events = await eventsOf(host, pod);
    const until = events.find((event) => event.type === "container.backing-off")?.until ?? "";
    const again = events.findLast(({ type }) => type === "container.creating")?.time ?? "";
    t.ok(again >= until, `${again} is not before ${until}`);
  },
);

testWithPeapod(
  "with its supervisor killed at every turn no exit is lost and no attempt told twice",
  async (t, host) => {
    const pod = host.aPod({
      containers: [{ name: "c", run: `echo $(cat /v/runs 2>/dev/null | wc -l); ${failing(15, 0)}`, ...AT_SCRATCH }],
      annotations: { "peapod/backOff": "initial=0.01,max=0.01", "peapod/logAttempts": "100" },
      spec: { restartPolicy: "OnFailure", ...SCRATCH },
    });
    await host.must("run", "-d", pod.file);
    let isOver = false;
    const waiting = host.must("wait", pod.name).finally(() => {
      isOver = true;
    });
    for (let kills = 0; kills < 20 && !isOver; kills += 1) {
      await new Promise((resolve) => setTimeout(resolve, 20 + 13 * kills));
      killIfThere(supervisorOf(host, pod) ?? 0);
    }
    t.equal(await waiting, "0\n");
    const exits = (await eventsOf(host, pod)).filter(({ type }) => type === "container.exited");
    t.equal(exits.length, 16);
    for (let attempt = 0; attempt < 16; attempt += 1)
      t.ok(existsSync(join(host.root, "logs", pod.name, "c", `${attempt}.log`)), `the log of attempt ${attempt}`);
  },
);

testWithPeapod("what a container started ends with it, also where it shares its pid namespace", async (t, host) => {
  const pod = host.aPod({
    containers: [
      { name: "parent", run: "sleep 1000 & sleep 1001 & echo started; exit 0" },
      { name: "other", run: STAY },
    ],
    spec: { shareProcessNamespace: true },
  });
  await host.must("run", "-d", pod.file);
  await waitUntil("it has ended", async () => (await container(host, pod, 1))?.status === "exited");
  await waitUntil("what it left has ended", async () => !/sleep 100/.test(await host.must("ps", pod.name)));
  t.match(await container(host, pod, 2), { status: "running" });
});
