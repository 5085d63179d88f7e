// Logs have an end: files of a size and a number, lines of a full disk, and the memory of nobody.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { attemptLog } from "../../src/base/paths.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { ioOf, readLogTexts, supervisorOf } from "../support/own-processes.ts";
import { BIN, type PeapodHost, type PodFile, testWithPeapod } from "../support/peapod-host.ts";
import { waitUntil } from "../support/wait-until.ts";

function logDir(host: PeapodHost, pod: PodFile, container: string): string {
  return join(host.root, "logs", pod.name, container);
}

function memoryKiB(pid: number | undefined): number {
  if (pid === undefined) return 0;
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

testWithPeapod("annotations say how large a log grows and how many files it has", async (t, host) => {
  const pod = host.aPod({
    containers: [{ name: "c", run: "seq 1 3000; exec sleep 1000" }],
    annotations: { "peapod/logMaxSize": "10Ki", "peapod/logMaxFiles": "3" },
  });
  await host.must("run", "-d", pod.file);
  await waitUntil("all is written", () => readLogTexts(host, pod, "c").includes("3000"));
  t.same(readdirSync(logDir(host, pod, "c")).sort(), ["0.log", "0.log.1", "0.log.2"]);
  const lines = (await host.must("logs", pod.name)).trim().split("\n").map(Number);
  t.equal(lines.at(-1), 3000);
  t.same(
    lines,
    Array.from({ length: lines.length }, (_, index) => 3001 - lines.length + index),
    "without a gap",
  );
});

testWithPeapod("following a log that is rotated all the time misses no line", async (t, host) => {
  const pod = host.aPod({
    containers: [{ name: "c", run: "i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo $i; usleep 500; done" }],
    annotations: { "peapod/logMaxSize": "4Ki", "peapod/logMaxFiles": "1000" },
  });
  await host.must("run", "-d", pod.file);
  const { code, out } = await host.peapod("logs", "-f", pod.name);
  t.equal(code, 0);
  t.same(
    out.trim().split("\n").map(Number),
    Array.from({ length: 2000 }, (_, index) => index + 1),
  );
});

testWithPeapod("amounts that are none are refused with their line", async (t, host) => {
  for (const [name, value, words] of [
    ["logMaxSize", "10Mb", /annotation peapod\/logMaxSize: must be a quantity.* \(.*pod\d+\.yaml:\d+ metadata/],
    ["logMaxSize", "0.5", /must be whole bytes/],
    ["logMaxFiles", "0", /annotation peapod\/logMaxFiles: must be a whole number from 1 to 1000/],
  ] as const) {
    const pod = host.aPod({ annotations: { [`peapod/${name}`]: value } });
    t.match(await host.peapod("create", pod.file), { code: 125, err: words });
  }
  const plain = host.aPod({ annotations: { "peapod/logMaxSize": "0" } });
  t.match(JSON.parse(await host.must("run", "--dry-run", plain.file)) as Plan, {
    logs: { maxSizeBytes: 0, maxFiles: 5 },
  });
});

testWithPeapod("logs: the attempt before, a time to end at, names, and times", async (t, host) => {
  const again = "echo run >>/v/runs; [ $(wc -l </v/runs) -lt 3 ] && exit 1; exec sleep 1000";
  const pod = host.aPod({
    containers: [
      { name: "c", run: again, restartPolicy: "OnFailure", volumeMounts: [{ name: "v", mountPath: "/v" }] },
      { name: "other" },
    ],
    annotations: { "peapod/backOff": "initial=0.01" },
    spec: { volumes: [{ name: "v", emptyDir: {} }] },
  });
  await host.must("run", "-d", pod.file);
  await waitUntil("it is in its third life", async () => {
    const [c] = (await host.shown(pod)).containers;
    return c?.restartCount === 2 && c.status === "running";
  });
  const line = (second: number, text: string) => `2026-11-22T10:00:0${second}.000000000Z stdout F ${text}\n`;
  const { paths } = (JSON.parse(await host.must("inspect", pod.name)) as { plan: Plan }).plan.containers[0]!;
  t.match(await host.peapod("logs", "-p", pod.name, "-c", "other"), {
    code: 125,
    err: /container other: has no log of a previous attempt/,
  });
  writeFileSync(attemptLog(paths, 0), line(1, "oldest"));
  writeFileSync(attemptLog(paths, 1), `${line(2, "old")}${line(3, "older")}`);
  writeFileSync(attemptLog(paths, 2), `${line(4, "new")}${line(5, "newer")}${line(6, "newest")}`);
  const logs = (...more: string[]) => host.must("logs", ...more, pod.name);
  t.equal(await logs("-c", "c"), "new\nnewer\nnewest\n");
  t.equal(await logs("-c", "c", "--previous"), "old\nolder\n");
  t.equal(await logs("-p"), "c     | old\nc     | older\n", "of those that have one");
  t.equal(await logs("-c", "c", "--until", "2026-11-22T10:00:05Z"), "new\nnewer\n");
  t.equal(await logs("-f", "-c", "c", "--tail", "1", "--until", "2026-11-22T10:00:05Z"), "newer\n");
  t.equal(
    await logs("-c", "c", "-n", "-t", "--since", "2026-11-22T10:00:06Z"),
    `c | ${line(6, "newest").replace("stdout F ", "")}`,
  );
});

testWithPeapod("a flood costs neither memory nor the others' promptness", async (t, host) => {
  const pod = host.aPod({
    containers: [
      { name: "flood", run: "exec yes a line that comes again and again, as fast as it can be written" },
      { name: "quiet", run: "while :; do echo tick; sleep 0.05; done" },
    ],
    annotations: { "peapod/logMaxSize": "1Mi", "peapod/logMaxFiles": "2" },
  });
  await host.must("run", "-d", pod.file);
  const follower = host.start(["logs", "-f", pod.name, "-c", "quiet"]);
  const ticks = () => follower.said.out.split("\n").length;
  await waitUntil("it ticks", () => ticks() > 5);
  const before = memoryKiB(ioOf(host, pod, "flood"));
  const rounds: number[] = [];
  for (let round = 0; round < 20; round += 1) {
    const [seen, start] = [ticks(), Date.now()];
    await waitUntil("the next tick comes", () => ticks() > seen + 1);
    rounds.push(Date.now() - start);
  }
  const typical = rounds.sort((a, b) => a - b)[10] ?? 0;
  t.ok(typical < 1000, `two ticks take ${typical} ms`);
  const after = memoryKiB(ioOf(host, pod, "flood"));
  t.ok(after <= before + 64, `io has ${before} and then ${after} KiB`);
  t.ok(after < 1000, `${after} KiB`);
  await waitUntil("the supervisor sleeps through it", () => supervisorOf(host, pod) === undefined);
  const sizes = readdirSync(logDir(host, pod, "flood"));
  t.ok(sizes.length <= 3, `${sizes}`);
  await host.must("delete", "-f", pod.name);
  await follower.ended;
});

testWithPeapod("who shows a flood heeds signals, and a reader who goes", async (t, host) => {
  const flood = host.aPod({
    containers: [{ name: "c", run: "exec yes" }],
    annotations: { "peapod/logMaxSize": "1Mi" },
  });
  const peapod = join(BIN, "peapod");
  const env = { ...process.env, PEAPOD_ROOT: host.root, PEAPOD_NETWORK: "none" };
  const shown = spawn(peapod, ["run", flood.file], { env, stdio: "ignore" });
  const ended = once(shown, "exit");
  try {
    await waitUntil("it floods", () => existsSync(join(logDir(host, flood, "c"), "0.log.1")));
    shown.kill("SIGINT");
    t.same(await ended, [130, null]);
  } finally {
    shown.kill("SIGKILL");
  }
  const short = execFileSync("sh", ["-c", `${peapod} run ${flood.file} | head -n 2`], { env, encoding: "utf8" });
  t.equal(short, "y\ny\n");
});

testWithPeapod("last words that end no line are told at the end of their attempt, not of the next", async (t, host) => {
  const pod = host.aPod({
    containers: [
      { name: "broken", run: "echo one; printf two; exit 3" },
      { name: "other", run: "exec sleep 1000" },
    ],
    spec: { restartPolicy: "OnFailure" },
    annotations: { "peapod/backOff": "initial=1000,max=1000" },
  });
  await host.must("run", "-d", pod.file);
  const follower = host.start(["logs", "-f", "-c", "broken", pod.name]);
  await waitUntil("its second attempt has ended", async () => {
    const [broken] = (await host.shown(pod)).containers;
    return broken?.restartCount === 1 && broken.status === "exited";
  });
  await waitUntil("all is told", () => /^(one\ntwo\n){1,2}$/.test(follower.said.out));
  const latest = host.start(["logs", "-f", "--tail", "1", "-c", "broken", pod.name]);
  await waitUntil("the last line is", () => latest.said.out !== "");
  await host.must("delete", "-f", pod.name);
  t.equal((await latest.ended).out, "two\n");
  await follower.ended;
});

testWithPeapod("a full disk costs lines, which are counted, and not the pod", async (t, host) => {
  const disk = join(host.root, "logs");
  mkdirSync(disk, { recursive: true });
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", disk]);
  try {
    const run = "i=0; while :; do i=$((i+1)); echo line $i; echo $i > /tmp/at; usleep 2000; done";
    const pod = host.aPod({ containers: [{ name: "talker", run }] });
    await host.must("run", "-d", pod.file);
    const filler = join(disk, "filler");
    try {
      for (;;) writeFileSync(filler, "x".repeat(1000), { flag: "a" });
    } catch {
      // Full.
    }
    const blocked = async () => (await host.state(pod)).containers[0]?.logBlocked;
    await waitUntil("it is told", async () => /No space left/.test((await blocked()) ?? ""));
    const ownLog = join(host.root, "pods", pod.name, "supervisor.log");
    await waitUntil("its own log tells it", () => /talker: its log cannot be wr/.test(readFileSync(ownLog, "utf8")));
    const at = async () => Number(await host.must("exec", pod.name, "cat", "/tmp/at"));
    const then = await at();
    await waitUntil("it goes on all the while", async () => (await at()) > then + 50);
    rmSync(filler);
    await waitUntil("that is over", async () => !(await blocked()));
    const now = await at();
    await waitUntil("lines come again", () =>
      readLogTexts(host, pod, "talker").some((text) => text === `line ${now + 20}`),
    );
    const log = readFileSync(join(logDir(host, pod, "talker"), "0.log"), "utf8");
    const [, lines, bytes] =
      /stderr F:lost peapod: (\d+) lines \((\d+) bytes\) of output are missing: No space left/.exec(log) ?? [];
    t.match(host.journals().get([...host.journals().keys()][0] ?? ""), [], "the journal is there");
    const resumed = [...host.journals().values()].flat().find((event) => event.type === "container.log-resumed");
    t.match(resumed, { lostLines: Number(lines), lostBytes: Number(bytes) });
    const numbers = [...log.matchAll(/ F line (\d+)$/gm)].map(([, number]) => Number(number));
    const last = numbers.at(-1) ?? 0;
    t.equal(numbers.length + Number(lines), last, "every line is there or counted");
    t.same(
      numbers,
      [...new Set(numbers)].sort((a, b) => a - b),
      "in order, none twice, none cut",
    );
    await host.must("delete", "-f", pod.name);
    t.notOk(existsSync(logDir(host, pod, "talker")));
  } finally {
    execFileSync("umount", [disk]);
  }
});
