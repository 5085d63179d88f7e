// Promise: whoever says how long an end may take is heard, whatever else is being waited for just then. Each of these waits
// would be a thousand seconds long.

import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { killIfThere } from "../support/if-any.ts";
import { supervisorOf } from "../support/own-processes.ts";
import { type PeapodHost, type PodFile, testWithPeapod } from "../support/peapod-host.ts";
import { patient, SLOWNESS } from "../support/slowness.ts";
import { waitUntil } from "../support/wait-until.ts";

/** Heeds SIGTERM at once. */
const STAY = "trap 'echo asked; exit 0' TERM; while :; do sleep 0.05; done";
/** Heeds nothing. */
const DEAF = "trap '' TERM; while :; do sleep 0.05; done";
const LONG = { exec: { command: ["sleep", "1000"] } };
const PATIENT = { terminationGracePeriodSeconds: 1000 };
/** Seconds, enough for a program to heed a signal. */
const SOON = String(SLOWNESS);

const containerOf = async (host: PeapodHost, pod: PodFile) => (await host.shown(pod)).containers[0];
const eventsOf = (host: PeapodHost, pod: PodFile) => host.must("events", "--format", "json", pod.name);

async function aBusyHook(host: PeapodHost): Promise<PodFile> {
  const pod = host.aPod({ containers: [{ name: "web", run: STAY, lifecycle: { postStart: LONG } }], spec: PATIENT });
  await host.must("run", "-d", pod.file);
  await waitUntil("the hook runs", async () => (await host.must("ps", pod.name)).includes("sleep 1000"));
  return pod;
}

testWithPeapod(
  "a container whose postStart hook still runs has its signal and its time all the same",
  async (t, host) => {
    const pod = await aBusyHook(host);
    await host.must("stop", "-t", SOON, pod.name);
    t.match(await containerOf(host, pod), { status: "exited", exit: { kind: "exited", code: 0 }, message: undefined });
    t.equal(await host.must("logs", pod.name), "asked\n");
  },
);

testWithPeapod("one whose hook still runs is restarted, and deleted", async (t, host) => {
  const pod = await aBusyHook(host);
  await host.must("restart", "-c", "web", "-t", SOON, pod.name);
  t.match(await containerOf(host, pod), { restartCount: 1, status: "running" });
  killIfThere(supervisorOf(host, pod));
  await waitUntil("the hook runs again", async () => (await host.must("ps", pod.name)).includes("sleep 1000"));
  await host.must("delete", "--force", pod.name);
});

testWithPeapod("a deadline does not wait for a hook", async (t, host) => {
  const hook = { name: "web", run: STAY, lifecycle: { postStart: LONG } };
  const pod = host.aPod({ containers: [hook], spec: { activeDeadlineSeconds: 1, ...PATIENT } });
  t.equal((await host.peapod("run", "--keep", pod.file)).code, 124);
});

testWithPeapod("a second stop may be more hasty than the first, and is never more patient", async (t, host) => {
  const pod = host.aPod({ containers: [{ name: "web", run: DEAF }], spec: PATIENT });
  await host.must("run", "-d", pod.file);
  const first = host.start(["stop", pod.name]);
  await waitUntil("it is being stopped", async () => (await host.state(pod)).status === "stopping");
  const second = host.start(["stop", "-t", "1", pod.name]);
  await waitUntil("that was heard", async () => (await eventsOf(host, pod)).includes('"graceMs":1000'));
  await host.must("stop", "-t", "500", pod.name);
  t.equal((await first.ended).code, 0);
  t.equal((await second.ended).code, 0);
  t.match(await containerOf(host, pod), { exit: { kind: "killed", signal: 9 } });
});

testWithPeapod("a stop overtakes a restart, and nobody comes back", async (t, host) => {
  const pod = host.aPod({ containers: [{ name: "web", run: DEAF }], spec: PATIENT });
  for (const restart of [["-c", "web"], []]) {
    await host.must("run", "-d", pod.file);
    const restarting = host.start(["restart", ...restart, pod.name]);
    await waitUntil("it waits", async () => (await eventsOf(host, pod)).includes("container.signalled"));
    await host.must("stop", "-t", "0.5", pod.name);
    t.match(await restarting.ended, { code: 125, err: /ended before|was stopped meanwhile/ });
    t.match(await containerOf(host, pod), { restartCount: 0, exit: { kind: "killed", signal: 9 } });
    await host.must("delete", pod.name);
  }
});

testWithPeapod("a stop during a restart gives nobody more time than the restart did", async (t, host) => {
  const pod = host.aPod({ containers: [{ name: "web", run: DEAF }], spec: PATIENT });
  await host.must("run", "-d", pod.file);
  const restarting = host.start(["restart", "-t", SOON, pod.name]);
  await waitUntil("it waits", async () => (await eventsOf(host, pod)).includes("container.signalled"));
  await host.must("stop", "-t", "900", pod.name);
  t.equal((await restarting.ended).code, 125);
});

testWithPeapod("a stop does not wait for those whom an update gives a thousand seconds", async (t, host) => {
  const become = (...names: string[]) =>
    host.aPod({ name: "web", containers: names.map((name) => ({ name, run: DEAF })), spec: PATIENT });
  const pod = become("one", "two");
  await host.must("run", "-d", pod.file);
  const updating = host.start(["update", "web", "-f", become("one").file]);
  await waitUntil("one goes", async () => (await eventsOf(host, pod)).includes("container.signalled"));
  await host.must("stop", "-t", "1", pod.name);
  t.equal((await host.state(pod)).status, "exited");
  await updating.ended;
  t.match(await eventsOf(host, pod), /pod\.changed.*pod\.exited/s);
});

testWithPeapod("who pauses what is being stopped is told so at once", async (t, host) => {
  const pod = host.aPod({ containers: [{ name: "web", run: DEAF }], spec: PATIENT });
  await host.must("run", "-d", pod.file);
  const stopping = host.start(["stop", pod.name]);
  await waitUntil("it is being stopped", async () => (await host.state(pod)).status === "stopping");
  t.match((await host.peapod("pause", pod.name)).err, /cannot pause, it is stopping/);
  await host.must("kill", "-s", "KILL", pod.name);
  t.equal((await stopping.ended).code, 0);
});

testWithPeapod(
  "each of many who ask for stops and restarts is answered, and the last one's word holds",
  async (t, host) => {
    const pod = host.aPod({ containers: [{ name: "web", run: DEAF }], spec: PATIENT });
    await host.must("run", "-d", pod.file);
    const asked = [];
    for (const words of [["stop"], ["restart"], ["restart", "-t", "1"], ["stop", "-t", "1"], ["stop", "-t", "0.5"]]) {
      asked.push(host.start([...words, pod.name]).ended);
      await sleep(patient(100));
    }
    const codes = (await Promise.all(asked)).map(({ code }) => code);
    t.ok(
      codes.every((code) => code === 0 || code === 125),
      `${codes}`,
    );
    t.equal((await host.state(pod)).status, "exited");
  },
);

testWithPeapod("a probe's grace is no longer than the pod's deadline leaves", async (t, host) => {
  const livenessProbe = {
    exec: { command: ["false"] },
    periodSeconds: 1,
    timeoutSeconds: 50,
    failureThreshold: 1,
    ...PATIENT,
  };
  const pod = host.aPod({
    containers: [{ name: "web", run: DEAF, livenessProbe }],
    spec: { activeDeadlineSeconds: 3 * SLOWNESS, terminationGracePeriodSeconds: 1 },
  });
  t.equal((await host.peapod("run", "--keep", pod.file)).code, 137);
  t.match(await eventsOf(host, pod), /container\.unhealthy.*pod\.expired/s);
});

testWithPeapod("a pod stands still although a probe is in flight, and goes on probing", async (t, host) => {
  const command = ["sh", "-c", "echo >>/asked; test -e /quick || exec sleep 1000"];
  const readinessProbe = { exec: { command }, periodSeconds: 1, timeoutSeconds: 1000 };
  const pod = host.aPod({ containers: [{ name: "web", run: STAY, readinessProbe }] });
  await host.must("run", "-d", pod.file);
  await waitUntil("it is asked", async () => (await host.must("ps", pod.name)).includes("sleep 1000"));
  await host.must("pause", pod.name);
  t.equal((await host.state(pod)).status, "paused");
  await host.must("resume", pod.name);
  await waitUntil("it is asked again", async () => (await host.must("ps", pod.name)).includes("sleep 1000"));
  t.equal(await host.must("exec", pod.name, "cat", "/asked"), "\n\n");
  await host.must("exec", pod.name, "touch", "/quick");
  await host.must("pause", pod.name);
  await host.must("resume", pod.name);
  await host.must("wait", "--for=ready", pod.name);
});

testWithPeapod("who is still being prepared by its postStart hook is not probed", async (t, host) => {
  const probe = {
    exec: { command: ["test", "-e", "/made"] },
    periodSeconds: 1,
    timeoutSeconds: 50,
    failureThreshold: 1,
  };
  const hook = ["sh", "-c", "until test -e /go; do sleep 0.05; done; sleep 1.5; touch /made"];
  const pod = host.aPod({
    containers: [
      {
        name: "web",
        run: STAY,
        livenessProbe: probe,
        readinessProbe: probe,
        startupProbe: probe,
        lifecycle: { postStart: { exec: { command: hook } } },
      },
    ],
    spec: { restartPolicy: "Always" },
  });
  await host.must("run", "-d", pod.file);
  await host.must("exec", pod.name, "touch", "/go");
  await host.must("wait", "--for=ready", pod.name);
  const events = await eventsOf(host, pod);
  t.notMatch(events, /unhealthy|unready/);
  t.match(events, /post-started.*startup-passed.*container\.ready/s);
});

t.setTimeout(300_000 * SLOWNESS);
