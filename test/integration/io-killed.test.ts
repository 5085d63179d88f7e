// An io process that is killed is followed by another. What may be missing is one buffer, and the log says that it may.

import { setTimeout as sleep } from "node:timers/promises";
import { killIfThere } from "../support/if-any.ts";
import { ioOf, readLogTexts, readLogWhole, supervisorOf } from "../support/own-processes.ts";
import { type PeapodHost, type PodFile, testWithPeapod } from "../support/peapod-host.ts";
import { waitUntil } from "../support/wait-until.ts";

/** What the line in the log names: two input buffers of io. */
const BUFFER_BYTES = 64 * 1024;
const COUNT = 'i=0; while [ ! -e /tmp/stop ]; do i=$((i+1)); echo "line $i"; sleep 0.002; done; echo "end $i"';
const RESTARTED = / stderr F:restarted peapod: io restarted, up to \d+ bytes of output may be missing$/m;

function killIo(host: PeapodHost, pod: PodFile, container: string): number {
  const pid = ioOf(host, pod, container)!;
  killIfThere(pid);
  return pid;
}

function isReplaced(host: PeapodHost, pod: PodFile, container: string, dead: number): boolean {
  const now = ioOf(host, pod, container);
  return now !== undefined && now !== dead;
}

testWithPeapod("a killed io is started again, misses one buffer at most, and the log says so", async (t, host) => {
  const pod = host.aPod({
    containers: [
      { name: "counter", run: COUNT },
      { name: "other", run: "echo one; exec sleep 1000" },
    ],
  });
  await host.must("run", "-d", pod.file);
  const kills = 5;
  for (let i = 0; i < kills; i += 1) {
    await sleep(Math.random() * 200);
    const dead = killIo(host, pod, "counter");
    await waitUntil("another carries the output", () => isReplaced(host, pod, "counter", dead));
  }
  await host.touch(pod.name, "/tmp/stop", "counter");
  await waitUntil("the end is in the log", () =>
    readLogTexts(host, pod, "counter").some((line) => line.startsWith("end ")),
  );
  const log = readLogWhole(host, pod, "counter");
  t.equal(log.match(new RegExp(RESTARTED, "gm"))?.length, kills, "each restart is told");
  t.notMatch(readLogWhole(host, pod, "other"), RESTARTED);
  const numbers = readLogTexts(host, pod, "counter")
    .flatMap((line) => /^line (\d+)$/.exec(line)?.[1] ?? [])
    .map(Number);
  t.same(
    numbers,
    [...new Set(numbers)].sort((a, b) => a - b),
    "no line is doubled or out of order",
  );
  const count = Number(
    readLogTexts(host, pod, "counter")
      .find((line) => line.startsWith("end "))
      ?.slice(4),
  );
  const missing = count - numbers.length;
  t.ok(missing * `line ${count}\n`.length <= kills * BUFFER_BYTES, `${missing} lines are missing`);
  const restarts = [...host.journals().values()].flat().filter((event) => event.type === "container.io-restarted");
  t.equal(restarts.length, kills, "the journal tells it too");
});

testWithPeapod(
  "an io that is killed while the supervisor sleeps is started again, and no container dies of it",
  async (t, host) => {
    const pod = host.aPod({ containers: [{ name: "counter", run: COUNT.replace("0.002", "0.05") }] });
    await host.must("run", "-d", pod.file);
    const { containers } = await host.state(pod);
    await waitUntil("the supervisor sleeps", () => supervisorOf(host, pod) === undefined);
    const dead = killIo(host, pod, "counter");
    await waitUntil("another carries the output", () => isReplaced(host, pod, "counter", dead));
    const before = readLogTexts(host, pod, "counter").length;
    await waitUntil("lines come again", () => readLogTexts(host, pod, "counter").length > before);
    t.match(readLogWhole(host, pod, "counter"), RESTARTED);
    t.equal((await host.state(pod)).containers[0]?.pid, containers[0]?.pid);
  },
);

testWithPeapod("an io whose container has ended says nothing of a restart, awake or asleep", async (t, host) => {
  const ends = Array.from({ length: 8 }, (_, index) => ({ name: `c${index}`, run: `sleep 0.${index}; echo last` }));
  const late = { name: "late", run: "sleep 3; echo last" };
  const pod = host.aPod({ containers: [...ends, late] });
  await host.must("run", "-d", pod.file);
  await host.must("wait", pod.name);
  const names = [...ends, late].map(({ name }) => name);
  await waitUntil("no io is left", () => names.every((name) => ioOf(host, pod, name) === undefined));
  await waitUntil("the supervisor sleeps", () => supervisorOf(host, pod) === undefined);
  for (const name of names) t.same(readLogTexts(host, pod, name), ["last"], `the log of ${name}`);
  for (const name of names) t.notMatch(readLogWhole(host, pod, name), RESTARTED);
  const events = [...host.journals().values()].flat();
  t.notOk(events.some((event) => event.type === "container.io-restarted"));
});

testWithPeapod("an io that is killed before its container is made is replaced in time", async (t, host) => {
  for (let round = 0; round < 5; round += 1) {
    const pod = host.aPod({ containers: [{ name: "c", run: "echo first; echo last" }] });
    const up = host.start(["run", "-d", pod.file]);
    let isUp = false;
    void up.ended.then(() => {
      isUp = true;
    });
    // As early as it can be seen.
    await waitUntil("there is an io, or it is too late", () => isUp || killIfThere(ioOf(host, pod, "c")));
    t.equal((await up.ended).code, 0);
    await host.must("wait", pod.name);
    await waitUntil("all is in the log", () => readLogTexts(host, pod, "c").includes("last"));
    t.same(readLogTexts(host, pod, "c"), ["first", "last"]);
    await host.must("delete", pod.name);
  }
});
