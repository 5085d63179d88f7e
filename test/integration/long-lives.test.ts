// A pod that restarts for ever, or whose processes leave countless orphans, keeps what it knows short; nobody who looks at
// it, and nobody who kills its supervisor, loses anything by that.

import { execFile } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { PodName } from "../../src/base/names.ts";
import { makePodPaths } from "../../src/base/paths.ts";
import type { Event } from "../../src/state/event.ts";
import { followEvents } from "../../src/state/read-journal.ts";
import { killIfThere } from "../support/if-any.ts";
import { supervisorOf } from "../support/own-processes.ts";
import { type PeapodHost, type PodFile, testWithPeapod } from "../support/peapod-host.ts";
import { patient, SLOWNESS } from "../support/slowness.ts";
import { waitUntil } from "../support/wait-until.ts";

const run = promisify(execFile);
const STAY = "trap 'exit 0' TERM; while :; do sleep 0.05; done";
/** Enough for a journal of 100 events to be shortened again and again. */
const RESTARTS = SLOWNESS > 1 ? 40 : 120;
/** Bytes of the record of exits; half an hour of orphans makes no more where a process takes twenty times as long to start. */
const A_LOT = SLOWNESS > 1 ? 20_000 : 100_000;
const RESTLESS = { "peapod/backOff": "initial=0.001,max=0.001" };

const pathsOf = (host: PeapodHost, pod: PodFile) => makePodPaths(host.root, pod.name as PodName);
const attemptOf = async (host: PeapodHost, pod: PodFile, name = "restless") =>
  (await host.shown(pod)).containers.find((one) => one.name === name)?.restartCount ?? 0;
/** Of the last event that is not kept any more. */
const oldestOf = (host: PeapodHost, pod: PodFile): number => {
  const [first = ""] = readFileSync(pathsOf(host, pod).journal, "utf8").split("\n", 1);
  return first.includes('"journal.shortened"') ? (JSON.parse(first) as { seq: number }).seq : 0;
};

function parse(out: string): Event[] {
  return out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Event);
}

const isInOrder = (events: readonly Event[], since = 0) => events.every(({ seq }, index) => seq === since + index + 1);

testWithPeapod("who follows a restless pod whose supervisor is killed misses nothing", async (t, host) => {
  const pod = host.aPod({
    containers: [
      { name: "restless", run: "exit 9" },
      { name: "witness", run: STAY },
    ],
    annotations: { ...RESTLESS, "peapod/keptEvents": "100" },
    spec: { restartPolicy: "Always" },
  });
  await host.must("run", "-d", pod.file);
  const { journal } = pathsOf(host, pod);
  const steady = host.start(["events", "--follow", "--format", "json", pod.name]);
  // One who goes and comes back with his cursor, again and again.
  let cursor = 0;
  let isGapless = true;
  const over = new AbortController();
  const fickle = (async () => {
    while (!over.signal.aborted) {
      const enough = cursor + 1 + Math.floor(Math.random() * 40);
      for await (const { seq } of followEvents(journal, cursor, over.signal)) {
        isGapless &&= seq === cursor + 1;
        cursor = seq;
        if (seq >= enough) break;
      }
    }
  })();
  let restarts = 0;
  let kills = 0;
  let isMonotonic = true;
  while (restarts < RESTARTS) {
    const shown = await host.state(pod);
    const seen = await attemptOf(host, pod);
    isMonotonic &&= seen >= restarts && shown.status === "running";
    restarts = seen;
    await sleep(Math.random() * patient(150));
    if (killIfThere(supervisorOf(host, pod))) kills += 1;
  }
  t.ok(kills > 5, `${kills} supervisors were killed`);
  t.ok(isMonotonic, "what state says only grows, and the pod runs all the time");
  t.match(await host.shown(pod), { containers: [{ name: "restless" }, { status: "running", restartCount: 0 }] });
  await waitUntil("it is short", () => oldestOf(host, pod) > 2.5 * RESTARTS);
  t.ok(statSync(journal).size < 80_000, "the journal is");
  t.match(
    await host.must("verify", pod.name),
    /\d+ events \(of the first \d+ only the sum is kept\), every rule is kept/,
  );
  await host.must("stop", pod.name);
  const { cursor: last } = await host.state(pod);
  await waitUntil("the fickle one has all", () => cursor >= last);
  over.abort();
  await fickle;
  t.ok(isGapless, "he who came and went was told each event once and in order");
  await host.must("delete", pod.name);
  const { code, out } = await steady.ended;
  t.equal(code, 0);
  const told = parse(out);
  t.ok(isInOrder(told), "so was he who stayed");
  t.equal(told.at(-1)?.type, "pod.deleted");
  const exits = told.filter((event) => event.type === "container.exited" && event.container === "restless");
  t.ok(exits.length >= RESTARTS, `${exits.length} exits were told`);
});

testWithPeapod("who asks for events that are gone is told which are there", async (t, host) => {
  const pod = host.aPod({
    containers: [{ name: "restless", run: "exit 9" }],
    annotations: { ...RESTLESS, "peapod/keptEvents": "20" },
    spec: { restartPolicy: "Always" },
  });
  await host.must("run", "-d", pod.file);
  await waitUntil("events are gone", () => oldestOf(host, pod) > 20);
  for (const more of [[], ["--follow"]]) {
    const { code, out, err } = await host.peapod("events", "--since", "7", ...more, pod.name);
    t.equal(code, 125);
    t.equal(out, "");
    t.match(err, /^peapod: pod pod1: events 8 to \d+ are not kept any more\nhint: .*oldest that is kept is \d+\n$/);
  }
  const socket = ["--silent", "--unix-socket", pathsOf(host, pod).socket];
  const url = "http://pod/v1/pod/events";
  const answered = await run("curl", [...socket, "--write-out", "\n%{http_code}", `${url}?since=0`]);
  const [body = "", status] = answered.stdout.split("\n").slice(-2);
  t.equal(status, "410");
  t.match(JSON.parse(body.trim() || answered.stdout.split("\n")[0] || ""), { error: { code: "TOO_OLD" } });
  const { detail } = (JSON.parse(answered.stdout.split("\n")[0] ?? "") as { error: { detail: { oldest: number } } })
    .error;
  t.ok(detail.oldest > 20);
  const kept = parse((await run("curl", [...socket, url])).stdout);
  t.ok(kept.length >= 20 && isInOrder(kept, (kept[0]?.seq ?? 0) - 1), "without a cursor: all that are kept");
  const all = await host.peapod("events", "--format", "json", pod.name);
  t.equal(all.code, 0);
  t.match(all.err, /^hint: the events up to \d+ are not kept any more\n$/);
  t.ok(isInOrder(parse(all.out), (parse(all.out)[0]?.seq ?? 0) - 1));
  // As whoever manages pods does: state first, then what comes after it.
  const { cursor } = await host.state(pod);
  await waitUntil("more has happened", async () => (await host.state(pod)).cursor > cursor);
  const next = parse(await host.must("events", "--since", String(cursor), "--format", "json", pod.name));
  t.ok(next.length > 0 && isInOrder(next, cursor));
});

testWithPeapod("members come and go, callers ask again, and logs are followed as ever", async (t, host) => {
  const restless = { name: "restless", run: "echo again; exit 9" };
  const annotations = { ...RESTLESS, "peapod/keptEvents": "20" };
  const spec = { restartPolicy: "Always" };
  const become = (...members: string[]) =>
    host.aPod({
      name: "web",
      containers: [restless, ...members.map((name) => ({ name, run: STAY }))],
      annotations,
      spec,
    });
  const first = become("one");
  await host.must("run", "-d", first.file);
  const logs = host.start(["logs", "-f", "-c", "restless", "web"]);
  const goOn = async () => {
    const from = oldestOf(host, first);
    await waitUntil("it was shortened", () => oldestOf(host, first) >= from + 40);
  };
  await goOn();
  const changed = become("two", "three");
  await host.must("update", "web", "-f", changed.file);
  await goOn();
  killIfThere(supervisorOf(host, changed));
  const names = async () => (await host.shown(changed)).containers.map(({ name }) => name);
  t.same(await names(), ["restless", "two", "three"]);
  await host.must("update", "web", "-f", become("one").file);
  killIfThere(supervisorOf(host, first));
  await goOn();
  t.same(await names(), ["restless", "one"]);
  await host.must("restart", "-c", "one", "web");
  t.equal(await attemptOf(host, first, "one"), 1);
  const waiting = host.start(["wait", "web"]);
  await goOn();
  await host.must("stop", "web");
  t.not((await waiting.ended).code, null);
  t.match(await host.must("verify", "web"), /every rule is kept/);
  const { out } = await logs.ended;
  t.match(out, /^(again\n)+$/);
});

testWithPeapod("exits that nobody waits for take no room, and those that somebody waits for stay", async (t, host) => {
  // With the host's pids its orphans become the reaper's: each subshell ends before what it started.
  const orphans = "while [ ! -e /v/enough ]; do for i in $(seq 50); do (true & true); done; done";
  const pod = host.aPod({
    init: [{ name: "before", run: "echo early" }],
    containers: [
      { name: "prolific", run: `${orphans}; exit 7`, volumeMounts: [{ name: "v", mountPath: "/v" }] },
      { name: "patient", run: "exec sleep 1000" },
    ],
    spec: { hostPID: true, volumes: [{ name: "v", emptyDir: {} }] },
  });
  await host.must("run", "-d", pod.file);
  const { exits } = pathsOf(host, pod);
  const size = () => statSync(exits).size;
  for (const most of [4 * A_LOT, 5 * A_LOT, 6 * A_LOT]) {
    await waitUntil("there are many", () => size() > most, 120_000);
    killIfThere(supervisorOf(host, pod));
    t.match(await host.state(pod), {
      status: "running",
      containers: [{ status: "exited" }, {}, { status: "running" }],
    });
  }
  await host.touch(pod.name, "/v/enough", "prolific");
  await waitUntil("its end is seen", async () => (await host.shown(pod)).containers[1]?.status === "exited");
  t.match(await host.shown(pod), { containers: [{}, { exitStatus: 7 }, { status: "running" }] });
  await waitUntil("room is given back", () => statSync(exits).blocks * 512 < 2.5 * A_LOT);
  t.ok(existsSync(`${exits}-claimed`));
  killIfThere(supervisorOf(host, pod));
  await host.must("kill", "-c", "patient", "-s", "KILL", pod.name);
  t.equal(await host.must("wait", pod.name), "7\n");
  t.match(await host.shown(pod), { containers: [{}, { exitStatus: 7 }, { exitStatus: 137 }] });
  const events = parse(await host.must("events", "--format", "json", pod.name));
  t.notOk(
    events.some(({ type }) => type === "container.io-restarted"),
    "nobody took an io for one that died, though its line was long past",
  );
  t.equal(readFileSync(join(host.root, "logs", pod.name, "before", "0.log"), "utf8").includes("early"), true);
});
