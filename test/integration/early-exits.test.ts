// Exits do not wait until somebody is ready for them: they come before the call that made their process has returned,
// while the supervisor sleeps, and from many pods at once.

import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { supervisorOf } from "../support/own-processes.ts";
import { testWithPeapod } from "../support/peapod-host.ts";
import { SLOWNESS } from "../support/slowness.ts";
import { waitUntil } from "../support/wait-until.ts";

/** Where all takes twenty times as long, a tenth of them. */
const MANY = SLOWNESS > 1 ? 5 : 50;
const AT_ONCE = 10;

testWithPeapod("containers that end at once are told as started before they are told as ended", async (t, host) => {
  for (let round = 0; round < 3; round += 1) {
    const codes = [0, 3, 127, 255];
    const containers = codes.map((code) => ({ name: `c${code}`, run: `exit ${code}` }));
    const pod = host.aPod({ containers });
    await host.must("run", "-d", pod.file);
    await host.must("wait", pod.name);
    const state = await host.state(pod);
    const exits = state.containers.map((container) => container.exit);
    t.match(
      exits,
      codes.map((code) => ({ kind: "exited", code })),
    );
    t.equal(state.exitStatus, 3);
    await host.must("delete", pod.name);
  }
});

testWithPeapod("an exit that comes while the runtime's call still runs is kept for its container", async (t, host) => {
  // A runtime that has done its work long before it returns.
  const slow = join(host.dir, "slow-runc");
  writeFileSync(
    slow,
    `#!/bin/sh\nrunc "$@"\ncode=$?\ncase " $* " in *" create "* | *" run "* | *" start "*) sleep 0.4 ;; esac\nexit $code\n`,
  );
  chmodSync(slow, 0o755);
  const containers = [
    { name: "quick", run: "exit 5" },
    { name: "quicker", run: ["/bin/false"] },
  ];
  const pod = host.aPod({ containers });
  await host.must("run", "-d", "--runtime", slow, pod.file);
  await host.must("wait", pod.name);
  t.match(
    (await host.state(pod)).containers.map((container) => container.exit),
    [
      { kind: "exited", code: 5 },
      { kind: "exited", code: 1 },
    ],
  );
  const events = [...host.journals().values()].flat();
  for (const { name } of containers) {
    const story = events.filter((event) => "container" in event && event.container === name).map((event) => event.type);
    t.same(story, ["container.creating", "container.created", "container.started", "container.exited"]);
  }
});

testWithPeapod("an exit wakes the supervisor that sleeps, and waiting is answered", async (t, host) => {
  const run = "while [ ! -e /tmp/end ]; do sleep 0.02; done; exit 9";
  const pod = host.aPod({ containers: [{ name: "nine", run }, { name: "long" }] });
  await host.must("run", "-d", pod.file);
  await waitUntil("the supervisor sleeps", () => supervisorOf(host, pod) === undefined);
  const waiting = host.start(["wait", pod.name]);
  await host.touch(pod.name, "/tmp/end", "nine");
  await waitUntil("it is in the journal", () =>
    [...host.journals().values()].flat().some((event) => event.type === "container.exited"),
  );
  t.equal((await host.state(pod)).status, "running", "one container is not the pod");
  await host.must("kill", "-s", "KILL", "-c", "long", pod.name);
  await waiting.ended;
  const state = await host.state(pod);
  t.equal(state.exitStatus, 9);
  t.match(
    state.containers.map((container) => container.exit),
    [{ code: 9 }, { kind: "killed", signal: 9 }],
  );
});

testWithPeapod(
  "many pods come and go, ten at a time, and each foreground run ends with its pod's code",
  async (t, host) => {
    const pods = Array.from({ length: MANY }, (_, index) => ({
      code: index % 5,
      pod: host.aPod({ containers: [{ name: "c", run: `echo hello ${index}; exit ${index % 5}` }] }),
    }));
    const rest = [...pods.entries()];
    const next = async (): Promise<void> => {
      for (let one = rest.shift(); one !== undefined; one = rest.shift()) {
        const [index, { pod, code }] = one;
        const ended = await host.peapod("run", pod.file);
        t.equal(ended.code, code, ended.err);
        t.match(ended.out, `hello ${index}\n`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, next));
    await host.noLeftovers(t);
  },
);

testWithPeapod("many pods live at once and go at once", async (t, host) => {
  const pods = Array.from({ length: MANY }, () => host.aPod());
  const all = async (each: (pod: (typeof pods)[number]) => Promise<unknown>): Promise<void> => {
    const rest = [...pods];
    const next = async (): Promise<void> => {
      for (let pod = rest.shift(); pod !== undefined; pod = rest.shift()) await each(pod);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, next));
  };
  await all((pod) => host.must("run", "-d", pod.file));
  const states = await host.json<{ status: string }[]>("list");
  t.equal(states.filter((state) => state.status === "running").length, MANY);
  await all((pod) => host.must("delete", "--force", pod.name));
  await host.noLeftovers(t);
});
