// Callers go away when they like and come together when they like: a pod is there as a whole or not at all.

import { setTimeout as sleep } from "node:timers/promises";
import { killIfThere } from "../support/if-any.ts";
import { supervisorOf } from "../support/own-processes.ts";
import { testWithPeapod } from "../support/peapod-host.ts";
import { readTraces } from "../support/traces.ts";
import { waitUntil } from "../support/wait-until.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGKILL"] as const;

for (const words of [["create"], ["run", "-d"]]) {
  testWithPeapod(`${words.join(" ")}: a caller that gives up in the middle leaves nothing`, async (t, host) => {
    for (const signal of SIGNALS) {
      for (const waitMs of [0, 60, 120]) {
        const pod = host.aPod({ containers: 3 });
        const up = host.start([...words, pod.file]);
        await waitUntil(
          "it has begun, or is over",
          () => up.child.exitCode !== null || readTraces(host.root).length > 0,
        );
        await sleep(waitMs);
        up.child.kill(signal);
        const { code, out } = await up.ended;
        if (code === 0) {
          t.equal(out, `${pod.name}\n`, "it came too late");
          await host.must("delete", "--force", pod.name);
        } else if (signal === "SIGKILL") {
          // Nobody is told, and it may have been whole just then.
          await waitUntil("it is whole, or gone", async () => {
            const state = await host.peapod("state", pod.name, "--format", "json");
            return state.code !== 0 || ["running", "created"].includes(JSON.parse(state.out).status);
          });
          await host.peapod("delete", "--force", pod.name);
        } else t.equal(code, 130, "it says that it was interrupted");
        await host.noLeftovers(t);
      }
    }
  });
}

testWithPeapod("run in the foreground: an interrupted caller takes its pod along", async (t, host) => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    for (const waitMs of [0, 100, 600]) {
      const pod = host.aPod({ containers: 2, spec: { terminationGracePeriodSeconds: 0 } });
      const run = host.start(["run", pod.file]);
      await waitUntil("it has begun", () => readTraces(host.root).length > 0);
      await sleep(waitMs);
      run.child.kill(signal);
      const { code } = await run.ended;
      t.equal(code, signal === "SIGINT" ? 130 : 143);
      await host.noLeftovers(t);
    }
  }
});

testWithPeapod("run in the foreground: a caller that is killed leaves a whole pod or none", async (t, host) => {
  for (const waitMs of [0, 80, 160, 800]) {
    const pod = host.aPod({ containers: 2 });
    const run = host.start(["run", pod.file]);
    await waitUntil("it has begun", () => readTraces(host.root).length > 0);
    await sleep(waitMs);
    run.child.kill("SIGKILL");
    await run.ended;
    await waitUntil("it is whole, or gone", async () => {
      const state = await host.peapod("state", pod.name, "--format", "json");
      return state.code !== 0 || JSON.parse(state.out).status === "running";
    });
    await host.peapod("delete", "--force", pod.name);
    await host.noLeftovers(t);
  }
});

testWithPeapod(
  "a supervisor that is killed in the middle of delete is followed by one that finishes it",
  async (t, host) => {
    for (const waitMs of [0, 10, 20, 35, 50, 70, 90]) {
      const pod = host.aPod({ containers: 2 });
      await host.must("run", "-d", pod.file);
      const gone = host.start(["delete", "--force", pod.name]);
      await waitUntil("it is asked for", () =>
        [...host.journals().entries()].some(
          ([name, events]) =>
            name.startsWith(`${pod.name}-`) &&
            events.some((event) => event.type === "pod.wanted" && event.want === "deleted"),
        ),
      );
      await sleep(waitMs);
      killIfThere(supervisorOf(host, pod));
      const { code, err } = await gone.ended;
      t.equal(code, 0, err);
      await host.noLeftovers(t);
    }
  },
);

testWithPeapod("two who delete one pod at once both come to an end, and it is gone", async (t, host) => {
  for (let round = 0; round < 4; round += 1) {
    const pod = host.aPod({ containers: 2 });
    await host.must("run", "-d", pod.file);
    const ends = await Promise.all([1, 2].map(() => host.peapod("delete", "--force", pod.name)));
    t.ok(
      ends.some((end) => end.code === 0),
      "one of them did it",
    );
    for (const end of ends) if (end.code !== 0) t.match(end.err, /does not exist|was deleted meanwhile/);
    await host.noLeftovers(t);
  }
});

testWithPeapod("stop and delete at once: whoever is second finds what the first has left", async (t, host) => {
  for (let round = 0; round < 4; round += 1) {
    const pod = host.aPod({ containers: 2, spec: { terminationGracePeriodSeconds: 0 } });
    await host.must("run", "-d", pod.file);
    const [stop, gone] = await Promise.all([host.peapod("stop", pod.name), host.peapod("delete", "--force", pod.name)]);
    t.equal(gone.code, 0, gone.err);
    if (stop.code !== 0) t.match(stop.err, /does not exist|was deleted meanwhile/);
    await host.noLeftovers(t);
  }
});

testWithPeapod("of two who create one name at once one gets it, and the other disturbs nothing", async (t, host) => {
  for (let round = 0; round < 4; round += 1) {
    const pod = host.aPod({ containers: 2 });
    const ends = await Promise.all([1, 2].map(() => host.peapod("run", "-d", pod.file)));
    t.same(ends.map((end) => end.code).sort(), [0, 125]);
    t.match(ends.find((end) => end.code !== 0)?.err, /exists already/);
    t.equal((await host.state(pod)).status, "running");
    await host.must("delete", "--force", pod.name);
  }
});
