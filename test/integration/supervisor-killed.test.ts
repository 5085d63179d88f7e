// The supervisor is a cache: whoever kills it, at whatever moment and how often, takes nothing away from the pod.

import { existsSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { PodName } from "../../src/base/names.ts";
import { makePodPaths } from "../../src/base/paths.ts";
import { killIfThere } from "../support/if-any.ts";
import { callersOf, readLogTexts, supervisorOf } from "../support/own-processes.ts";
import {
  type ContainerSpec,
  type PeapodHost,
  type PodFile,
  type Test,
  testWithPeapod,
} from "../support/peapod-host.ts";
import { patient, SLOWNESS } from "../support/slowness.ts";
import { waitUntil } from "../support/wait-until.ts";

/** Where each supervisor takes twenty times as long to stand, a tenth of them, and of the pods that are in its way. */
const KILLS = SLOWNESS > 1 ? 20 : 200;
const PODS = SLOWNESS > 1 ? 1 : 4;
/** In one go. On a slow machine each would die before it stands, and none ever answer. */
const MOST = SLOWNESS > 1 ? 5 : Number.POSITIVE_INFINITY;

/** Lines until somebody makes the file /tell/stop, then the number of lines and the code. */
const COUNTER = (code: number) =>
  `i=0; while [ ! -e /tell/stop ]; do i=$((i+1)); echo "line $i"; sleep ${patient(10) / 1000}; done; echo "end $i" >&2; exit ${code}`;
const CODES = [0, 7, 42];
const volumes = [{ name: "tell", emptyDir: {} }];
const volumeMounts = [{ name: "tell", mountPath: "/tell" }];

function counters(): ContainerSpec[] {
  return CODES.map((code) => ({ name: `c${code}`, run: COUNTER(code), volumeMounts }));
}

/** Kills supervisors of this pod at random moments until `isOver`, or `most` of them; how many it killed. */
async function killAgainAndAgain(
  host: PeapodHost,
  pod: PodFile,
  isOver: () => boolean,
  longestMs = 120,
  most = MOST,
): Promise<number> {
  let kills = 0;
  let last: number | undefined;
  while (!isOver() && kills < most) {
    const pid = supervisorOf(host, pod);
    if (pid === undefined || pid === last) {
      wake(host, pod);
      await sleep(patient(2));
      continue;
    }
    await sleep(Math.random() * patient(longestMs));
    if (killIfThere(pid)) kills += 1;
    last = pid;
  }
  return kills;
}

/** One whose turn came too late sleeps by now. */
function wake(host: PeapodHost, { name }: PodFile): void {
  const { dir, socket } = makePodPaths(host.root, name as PodName);
  if (!existsSync(join(dir, "asleep"))) return;
  const caller = connect(socket, () => caller.end());
  caller.on("error", () => undefined);
}

function assertEveryLine(t: Test, host: PeapodHost, pod: PodFile): void {
  for (const code of CODES) {
    const lines = readLogTexts(host, pod, `c${code}`);
    const count = Number(lines.find((line) => line.startsWith("end "))?.slice(4));
    t.ok(count > 0, `c${code} came to its end`);
    const expected = Array.from({ length: count }, (_, index) => `line ${index + 1}`);
    const told = lines.filter((line) => line.startsWith("line "));
    t.ok(
      told.join() === expected.join(),
      `c${code}: each of ${count} lines is there once and in order, ${told.length} are`,
    );
  }
}

testWithPeapod("supervisors killed again and again cost no container, no line and no exit code", async (t, host) => {
  const pods = Array.from({ length: PODS }, () => host.aPod({ containers: counters(), spec: { volumes } }));
  let kills = 0;
  await Promise.all(
    pods.map(async (pod) => {
      await host.must("run", "-d", pod.file);
      const before = await host.state(pod);
      let mine = 0;
      const enough = () => mine >= KILLS / PODS;
      while (!enough()) {
        mine += await killAgainAndAgain(host, pod, enough, 120, KILLS / PODS / 5);
        // Told right at once, whoever is dead at this moment.
        const state = await host.state(pod);
        t.equal(state.status, "running", "state is right while supervisors die");
        t.same(
          state.containers.map((container) => [container.status, container.pid]),
          before.containers.map((container) => ["running", container.pid]),
          "the same processes run",
        );
      }
      // The end comes in the middle of it as well.
      let isEnded = false;
      const killing = killAgainAndAgain(host, pod, () => isEnded);
      // Whatever fails, the killing must end, or this file never does.
      try {
        // Its container may end, and take it along, before it has ended itself.
        const touched = await host.peapod("exec", "-c", "c0", pod.name, "--", "touch", "/tell/stop");
        t.ok(touched.code === 0 || touched.code === 137, `the end is told: ${touched.code} ${touched.err}`);
        await host.must("wait", pod.name);
      } finally {
        isEnded = true;
        mine += await killing;
      }
      const { exitStatus, containers } = await host.state(pod);
      t.equal(exitStatus, 7);
      t.match(
        containers.map((container) => container.exit),
        CODES.map((code) => ({ kind: "exited", code })),
      );
      await waitUntil("all is in the logs", () =>
        CODES.every((code) => readLogTexts(host, pod, `c${code}`).some((line) => line.startsWith("end "))),
      );
      assertEveryLine(t, host, pod);
      await host.must("delete", pod.name);
      kills += mine;
    }),
  );
  t.ok(kills >= KILLS, `${kills} were killed`);
  for (const events of host.journals().values()) {
    t.equal(events.filter((event) => event.type === "container.exited").length, 3, "each exit is told once");
  }
});

testWithPeapod(
  "a supervisor that is killed on the way up is followed by one that comes to the same end",
  async (t, host) => {
    for (let round = 0; round < 6; round += 1) {
      const pod = host.aPod({ containers: 2 });
      let isUp = false;
      const killing = killAgainAndAgain(host, pod, () => isUp, 150 + 50 * round, 4);
      const words = round % 2 === 0 ? ["create"] : ["run", "-d"];
      const made = await host.peapod(...words, pod.file).finally(() => {
        isUp = true;
      });
      await killing;
      if (made.code === 0) {
        // Twice where the one that told him was killed before it could let him go.
        t.match(made.out, new RegExp(`^(${pod.name}\n){1,2}$`), "the caller is answered as if nothing had been");
        t.equal((await host.state(pod)).status, round % 2 === 0 ? "created" : "running");
        if (round % 2 === 0) {
          await host.must("start", pod.name);
          t.equal((await host.state(pod)).status, "running");
        }
        await host.must("delete", "--force", pod.name);
      } else {
        // Before the pod had a plan: nothing is there and the caller knows.
        await waitUntil("nothing of it is there", async () => (await host.peapod("state", pod.name)).code !== 0);
      }
    }
  },
);

testWithPeapod("start, stop and delete end as they were asked to while supervisors die under them", async (t, host) => {
  for (let round = 0; round < 3; round += 1) {
    const pod = host.aPod({ containers: 2 });
    await host.must("create", pod.file);
    let isOver = false;
    const killing = killAgainAndAgain(host, pod, () => isOver, 150 + 50 * round, 12);
    try {
      await host.must("start", pod.name);
      t.equal((await host.state(pod)).status, "running");
      await host.must("stop", pod.name);
      const stopped = await host.state(pod);
      t.equal(stopped.status, "exited");
      t.equal(stopped.containers.filter((container) => container.exit?.kind === "killed").length, 2);
      await host.must("delete", pod.name);
    } finally {
      isOver = true;
      await killing;
    }
    await host.noLeftovers(t);
  }
});

testWithPeapod("the helper that starts programs for a supervisor may be killed as well", async (t, host) => {
  const pod = host.aPod({ containers: counters(), spec: { volumes } });
  await host.must("run", "-d", pod.file);
  for (const verb of ["pause", "resume"]) {
    for (const pid of callersOf(host, pod)) killIfThere(pid);
    await host.must(verb, pod.name);
    t.equal((await host.state(pod)).status, verb === "pause" ? "paused" : "running");
  }
  t.ok(callersOf(host, pod).length <= 1, "each supervisor has its own, which ends with it");
  await waitUntil("it is asleep", () => supervisorOf(host, pod) === undefined);
  t.same(callersOf(host, pod), [], "none while it sleeps");
  await host.must("delete", "--force", pod.name);
});
