// What comes after what in a pod's life, on the way up and on the way down.

import { setTimeout as sleep } from "node:timers/promises";
import type { Event } from "../../src/state/event.ts";
import { killIfThere } from "../support/if-any.ts";
import { supervisorOf } from "../support/own-processes.ts";
import { type PeapodHost, type PodFile, testWithPeapod } from "../support/peapod-host.ts";
import { SLOWNESS } from "../support/slowness.ts";
import { waitUntil } from "../support/wait-until.ts";

/** Heeds SIGTERM at once. */
const STAY = "trap 'exit 0' TERM; while :; do sleep 0.05; done";
/** Heeds nothing. */
const DEAF = "trap '' TERM; while :; do sleep 0.05; done";
const ALWAYS = { restartPolicy: "Always" };

/** `web started`, in the order of the journal. */
async function story(host: PeapodHost, pod: PodFile): Promise<string[]> {
  const text = await host.must("events", pod.name, "--format", "json");
  const events = text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Event);
  return events.flatMap((event) => {
    if (!event.type.startsWith("container.") || !("container" in event)) return [event.type];
    const more = event.type === "container.signalled" ? ` ${event.signal}` : "";
    return [`${event.container} ${event.type.slice(10)}${more}`];
  });
}

const only = (lines: readonly string[], pattern: RegExp) => lines.filter((line) => pattern.test(line));

testWithPeapod(
  "init containers run one by one, sidecars from their turn on, main containers at last",
  async (t, host) => {
    const pod = host.aPod({
      init: [
        { name: "first", run: "exit 0" },
        { name: "proxy", run: STAY, ...ALWAYS },
        { name: "second", run: "sleep 0.2" },
      ],
      containers: [
        { name: "web", run: STAY },
        { name: "db", run: STAY },
      ],
      // Enough for all of them on a slow machine, one after the other.
      spec: { terminationGracePeriodSeconds: 2 * SLOWNESS },
    });
    await host.must("run", "-d", pod.file);
    await host.must("wait", "--for=initialized", pod.name);
    await waitUntil("all run", async () => (await host.state(pod)).containers.every((one) => one.status !== "planned"));
    await host.must("wait", "--for=ready", pod.name);
    await host.must("stop", pod.name);
    t.same(only(await story(host, pod), / started$| exited$|^pod.(initialized|exited)/).slice(0, 6), [
      "first started",
      "first exited",
      "proxy started",
      "second started",
      "second exited",
      "pod.initialized",
    ]);
    const down = only(await story(host, pod), / exited$| signalled|^pod.exited/).slice(-6);
    t.same([...down.slice(0, 3)].sort().length, 3);
    t.ok(down.indexOf("proxy signalled TERM") > down.indexOf("web exited"), down.join(", "));
    t.ok(down.indexOf("proxy signalled TERM") > down.indexOf("db exited"), down.join(", "));
    t.same(down.slice(-2), ["proxy exited", "pod.exited"]);
  },
);

testWithPeapod(
  "when the main containers have ended, sidecars are stopped in reverse and the pod ends",
  async (t, host) => {
    const pod = host.aPod({
      init: [
        { name: "outer", run: STAY, ...ALWAYS },
        { name: "inner", run: STAY, ...ALWAYS },
      ],
      containers: [{ name: "job", run: "echo done; exit 3" }],
    });
    const { code, out } = await host.peapod("run", "--keep", pod.file);
    t.equal(code, 3, "the job's result, not the sidecars'");
    t.match(out, /job +\| done/);
    t.same(only(await story(host, pod), / exited$|^pod.exited/), [
      "job exited",
      "inner exited",
      "outer exited",
      "pod.exited",
    ]);
    const { phase, containers } = await host.shown(pod);
    t.equal(phase, "Failed");
    t.same(
      containers.map(({ role }) => role),
      ["sidecar", "sidecar", "main"],
    );
  },
);

testWithPeapod(
  "the grace period is one budget for all: who is late leaves nothing for those after him",
  async (t, host) => {
    const pod = host.aPod({
      init: [{ name: "proxy", run: STAY, ...ALWAYS }],
      containers: [{ name: "web", run: DEAF }],
      spec: { terminationGracePeriodSeconds: 1 },
    });
    await host.must("run", "-d", pod.file);
    await host.must("wait", "--for=ready", pod.name);
    await host.must("stop", pod.name);
    t.same(only(await story(host, pod), / signalled/), [
      "web signalled TERM",
      "web signalled KILL",
      "proxy signalled KILL",
    ]);
  },
);

testWithPeapod("Ctrl-C brings the pod down in the same order", async (t, host) => {
  const pod = host.aPod({
    init: [{ name: "proxy", run: STAY, ...ALWAYS }],
    containers: [{ name: "web", run: STAY }],
  });
  const { child, ended } = host.start(["run", "--keep", pod.file]);
  await waitUntil("it is ready", async () => (await host.peapod("wait", "--for=ready", pod.name)).code === 0);
  child.kill("SIGINT");
  t.equal((await ended).code, 130);
  t.same(only(await story(host, pod), / exited$|^pod.exited/), ["web exited", "proxy exited", "pod.exited"]);
});

testWithPeapod("an init container that fails for good ends the pod with its status", async (t, host) => {
  const pod = host.aPod({
    init: [
      { name: "proxy", run: STAY, ...ALWAYS },
      { name: "check", run: "echo no; exit 7" },
    ],
    containers: [{ name: "web", run: STAY }],
  });
  const { code, out } = await host.peapod("run", "--keep", pod.file);
  t.equal(code, 7);
  t.match(out, /check +\| no/);
  const { phase, containers, conditions } = await host.shown(pod);
  t.equal(phase, "Failed");
  t.match(containers, [{ status: "exited" }, { status: "exited", reason: "Error" }, { status: "planned" }]);
  t.match(
    conditions.find(({ type }) => type === "Initialized"),
    { status: "False", reason: "ContainersNotInitialized" },
  );
});

testWithPeapod("a sidecar counts as started when its startup probe succeeds, not before", async (t, host) => {
  const pod = host.aPod({
    init: [
      {
        name: "proxy",
        run: "sleep 0.5; touch /up; trap 'exit 0' TERM; while :; do sleep 0.05; done",
        ...ALWAYS,
        startupProbe: {
          exec: { command: ["test", "-e", "/up"] },
          periodSeconds: 1,
          timeoutSeconds: 50,
          failureThreshold: 20,
        },
      },
    ],
    containers: [{ name: "web", run: "exit 0" }],
  });
  t.equal((await host.peapod("run", "--keep", pod.file)).code, 0);
  t.same(only(await story(host, pod), /startup-passed|started$/), [
    "proxy started",
    "pod.started",
    "proxy startup-passed",
    "web started",
  ]);
});

testWithPeapod(
  "what follows a postStart hook waits for it, and a container whose hook fails is ended",
  async (t, host) => {
    const command = (script: string) => ({ exec: { command: ["sh", "-c", script] } });
    const pod = host.aPod({
      init: [{ name: "proxy", run: STAY, ...ALWAYS, lifecycle: { postStart: command("sleep 0.3; echo made >/made") } }],
      containers: [{ name: "web", run: STAY, lifecycle: { postStart: command("echo broken; exit 4") } }],
    });
    const { code } = await host.peapod("run", "--keep", pod.file);
    t.equal(code, 0, "web heeded SIGTERM");
    t.same(only(await story(host, pod), /post-started|unhealthy| started| signalled/), [
      "proxy started",
      "proxy post-started",
      "web started",
      "web unhealthy",
      "web signalled TERM",
      "proxy signalled TERM",
    ]);
    const web = (await host.shown(pod)).containers.at(-1);
    t.match(web?.message, /postStart: .*4.*broken/s);
  },
);

testWithPeapod("preStop comes before the stop signal, which is the container's own", async (t, host) => {
  const pod = host.aPod({
    containers: [
      {
        name: "web",
        run: "trap 'cat /hook; echo got USR1; exit 0' USR1; while :; do sleep 0.05; done",
        lifecycle: { stopSignal: "SIGUSR1", preStop: { exec: { command: ["sh", "-c", "echo hooked >/hook"] } } },
      },
    ],
    spec: { terminationGracePeriodSeconds: 10 },
  });
  await host.must("run", "-d", pod.file);
  await host.must("stop", pod.name);
  t.equal(await host.must("logs", pod.name), "hooked\ngot USR1\n");
});

testWithPeapod("a preStop hook that outlasts the grace period does not keep the container", async (t, host) => {
  const pod = host.aPod({
    containers: [{ name: "web", run: STAY, lifecycle: { preStop: { sleep: { seconds: 60 } } } }],
    spec: { terminationGracePeriodSeconds: 60 },
  });
  await host.must("run", "-d", pod.file);
  await host.must("stop", "-t", "0.5", pod.name);
  t.match((await host.shown(pod)).containers[0]?.exit, { kind: "killed", signal: 9 });
});

testWithPeapod("a pod that runs longer than it may is stopped and has failed", async (t, host) => {
  const pod = host.aPod({
    init: [{ name: "proxy", run: STAY, ...ALWAYS }],
    containers: [{ name: "web", run: STAY }],
    // Long enough for both shells to heed SIGTERM by then.
    spec: { activeDeadlineSeconds: Math.min(SLOWNESS, 15) },
  });
  const { code } = await host.peapod("run", "--keep", pod.file);
  t.equal(code, 124, "as timeout(1) has it, since its containers ended well");
  t.match(await host.shown(pod), { phase: "Failed", reason: "DeadlineExceeded", status: "exited" });
  t.same(only(await story(host, pod), / exited$|^pod.e/), ["pod.expired", "web exited", "proxy exited", "pod.exited"]);
});

testWithPeapod("create makes what waits for nobody; start goes through the rest", async (t, host) => {
  const pod = host.aPod({
    init: [{ name: "first", run: "exit 0" }],
    containers: [{ name: "web", run: "exit 5" }],
  });
  await host.must("create", pod.file);
  t.match((await host.shown(pod)).containers, [{ status: "created" }, { status: "planned" }]);
  await host.must("start", pod.name);
  t.equal(await host.must("wait", pod.name), "5\n");
});

testWithPeapod("a later container that cannot be started is told as that, and the others live on", async (t, host) => {
  const pod = host.aPod({
    init: [{ name: "first", run: "exit 0" }],
    containers: [
      { name: "web", run: ["/no/such/program"] },
      { name: "db", run: "sleep 0.5; exit 0" },
    ],
  });
  const { code } = await host.peapod("run", "--keep", pod.file);
  t.equal(code, 128);
  const { containers } = await host.shown(pod);
  t.match(containers[1], { status: "exited", reason: "StartError", exitStatus: 128, message: /no.such.program/ });
  t.match(containers[2], { exitStatus: 0 });
});

testWithPeapod("stop in the middle of the init containers ends it, and main containers never run", async (t, host) => {
  const pod = host.aPod({
    init: [{ name: "slow", run: STAY }],
    containers: [{ name: "web", run: STAY }],
  });
  await host.must("run", "-d", pod.file);
  t.equal((await host.shown(pod)).status, "initializing");
  await host.must("stop", pod.name);
  t.match((await host.shown(pod)).containers, [{ exitStatus: 0 }, { status: "planned" }]);
});

testWithPeapod("with its supervisor killed again and again a pod goes the same way", async (t, host) => {
  for (const everyMs of [40, 90, 170]) {
    const pod = host.aPod({
      init: [
        { name: "first", run: "echo first; sleep 0.2" },
        { name: "proxy", run: STAY, ...ALWAYS },
        { name: "second", run: "echo second; sleep 0.2" },
      ],
      containers: [{ name: "web", run: "echo web; sleep 0.2; exit 6" }],
    });
    await host.must("run", "-d", pod.file);
    let isOver = false;
    const waiting = host.must("wait", pod.name).finally(() => {
      isOver = true;
    });
    // A while, so that it comes to an end however slow the machine is.
    for (let kills = 0; kills < 12 && !isOver; kills += 1) {
      await sleep(everyMs);
      const supervisor = supervisorOf(host, pod);
      if (supervisor !== undefined) killIfThere(supervisor);
    }
    t.equal(await waiting, "6\n", `a kill every ${everyMs} ms`);
    const lines = only(await story(host, pod), / (started|exited)$|^pod.(initialized|exited)/);
    t.same(
      lines,
      [
        "first started",
        "first exited",
        "proxy started",
        "second started",
        "second exited",
        "pod.initialized",
        "web started",
        "web exited",
        "proxy exited",
        "pod.exited",
      ],
      `a kill every ${everyMs} ms`,
    );
    t.match(await host.must("logs", pod.name), /first[\s\S]*second[\s\S]*web/);
  }
});
