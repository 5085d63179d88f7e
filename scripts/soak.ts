// Looks for what is lost when nothing goes well: a container ends again and again, with a growing log, while SIGKILL meets
// its supervisor at random. Each exit must reach who follows the events once, each line the log; memory must stay flat, and
// so must what lies on disk.
// usage: soak [--restarts N]

import { spawn, spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { stringify } from "yaml";
import type { Event } from "../src/state/event.ts";
import type { PodState } from "../src/state/pod-state.ts";
import { verifyEvents } from "../src/state/verify.ts";
import { busyboxRootfs } from "../test/support/rootfs.ts";
import { readTraces } from "../test/support/traces.ts";

const PEAPOD = fileURLToPath(new URL("../dist/bin/peapod", import.meta.url));
const LINES = 3;
const STATUS = 9;
const LONGEST_MS = 400;
/** A supervisor of that age has done what most do in their lives. */
const GROWN_MS = 500;

interface Sample {
  readonly reaperKb: number;
  readonly supervisorKb: number;
  readonly ioKb: number;
  /** How old the supervisor was; one that has just begun has not grown to its size yet. */
  readonly ageMs: number;
  /** On disk. */
  readonly journalKb: number;
  readonly exitsKb: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { restarts: { type: "string", default: "1000" } } });
  const restarts = Number(values.restarts);
  const place = mkdtempSync("/run/peapod-soak-");
  const root = join(place, "run");
  const logs = join(root, "logs/soak/worker");
  const peapod = (...args: string[]) => {
    const done = spawnSync(PEAPOD, args, {
      env: { ...process.env, PEAPOD_ROOT: root, PEAPOD_NETWORK: "none" },
      maxBuffer: 1 << 30,
    });
    if (done.status !== 0) throw new Error(`peapod ${args.join(" ")}: ${done.status}\n${done.stderr}`);
    return done.stdout.toString();
  };
  try {
    writeFileSync(join(place, "pod.yaml"), makeManifest(restarts));
    const began = Date.now();
    peapod("run", "-d", join(place, "pod.yaml"));
    const follower = follow(root, join(place, "events"));
    const { kills, samples } = await harass(root, () => countAttempts(logs) > restarts);
    const seconds = (Date.now() - began) / 1000;
    peapod("stop", "soak");
    const { cursor } = JSON.parse(peapod("state", "soak", "--format", "json")) as PodState;
    const verified = peapod("verify", "soak").trim();
    const lost = checkLogs(logs);
    peapod("delete", "soak");
    lost.push(...checkEvents(await follower, cursor));
    lost.push(...readTraces(root).map((trace) => `left over: ${trace}`));
    process.stdout.write(`${restarts} restarts, ${kills} supervisors killed, ${seconds.toFixed(0)} s; ${verified}\n`);
    printSizes(samples);
    for (const line of lost) process.stdout.write(`${line}\n`);
    process.stdout.write(
      lost.length === 0 ? "nothing is lost, nothing is left\n" : `${lost.length} things are wrong\n`,
    );
    process.exitCode = lost.length === 0 ? 0 : 1;
  } finally {
    spawnSync(PEAPOD, ["delete", "--force", "soak"], { env: { ...process.env, PEAPOD_ROOT: root } });
    rmSync(place, { recursive: true, force: true });
  }
}

function makeManifest(restarts: number): string {
  const script = `n=$(cat /v/n 2>/dev/null || echo 0); echo $((n + 1)) >/v/n
for i in $(seq ${LINES}); do echo "attempt $n line $i"; done; exit ${STATUS}`;
  return stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: "soak",
      annotations: { "peapod/backOff": "initial=0.001,max=0.001", "peapod/logAttempts": String(restarts * 2) },
    },
    spec: {
      restartPolicy: "Always",
      terminationGracePeriodSeconds: 1,
      volumes: [{ name: "v", emptyDir: {} }],
      containers: [
        {
          name: "worker",
          image: `rootfs:${busyboxRootfs()}`,
          command: ["/bin/sh", "-c", script],
          volumeMounts: [{ name: "v", mountPath: "/v" }],
        },
        { name: "witness", image: `rootfs:${busyboxRootfs()}`, command: ["/bin/sleep", "100000"] },
      ],
    },
  });
}

/** All that one who follows from the beginning is told, once the pod is gone. */
function follow(root: string, file: string): Promise<string> {
  const out = openSync(file, "w");
  const child = spawn(PEAPOD, ["events", "soak", "--follow", "--format", "json"], {
    env: { ...process.env, PEAPOD_ROOT: root },
    stdio: ["ignore", out, "inherit"],
  });
  closeSync(out);
  return new Promise((resolve) => child.once("close", () => resolve(readFileSync(file, "utf8"))));
}

async function harass(root: string, isOver: () => boolean): Promise<{ kills: number; samples: Sample[] }> {
  const samples: Sample[] = [];
  let kills = 0;
  while (!isOver()) {
    await sleep(Math.random() * LONGEST_MS);
    const reaper = Number(readFileSync(join(root, "pods/soak/reaper.pid"), "utf8"));
    const children = readFileSync(`/proc/${reaper}/task/${reaper}/children`, "utf8").trim().split(" ").map(Number);
    const supervisor = children.find((pid) => /\/node\0/.test(readIfAny(`/proc/${pid}/cmdline`)));
    const io = children.filter((pid) => /peapod-io\0/.test(readIfAny(`/proc/${pid}/cmdline`)));
    if (supervisor === undefined) continue;
    const pod = join(root, "pods/soak");
    samples.push({
      ageMs: ageOf(supervisor),
      journalKb: onDiskKb(join(pod, "journal")),
      exitsKb: onDiskKb(join(pod, "exits")),
      reaperKb: residentKb(reaper),
      supervisorKb: residentKb(supervisor),
      ioKb: Math.max(...io.map(residentKb), 0),
    });
    // Every other one is spared for a while, so that some live long.
    if (Math.random() < 0.5) continue;
    try {
      process.kill(supervisor, "SIGKILL");
      kills += 1;
    } catch {
      // It was just ending.
    }
  }
  return { kills, samples };
}

/** Each has a log of its own. */
function countAttempts(logs: string): number {
  return namesIn(logs).filter((name) => /^\d+\.log$/.test(name)).length;
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

/** Every event once and in order, and every attempt has ended as it does. `cursor`: there are at least so many. */
function* checkEvents(told: string, cursor: number): Generator<string> {
  const all = told
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Event);
  const wrong = all.findIndex((event, index) => event.seq !== index + 1);
  if (wrong !== -1) yield `the follower was told event ${all[wrong]?.seq} as number ${wrong + 1}`;
  if (all.length <= cursor) yield `the follower was told ${all.length} events of more than ${cursor}`;
  const violations = verifyEvents(all, { complete: true });
  if (violations.length > 0) yield `${violations.length} rules are broken: ${violations[0]?.message}`;
  const ofWorker = all.filter((event) => "container" in event && event.container === "worker");
  const attempts = new Set(
    ofWorker.flatMap((event) => (event.type === "container.creating" ? [event.attempt ?? 0] : [])),
  );
  const exits = ofWorker.flatMap((event) => (event.type === "container.exited" ? [event.exit] : []));
  const odd = exits.filter((exit) => !(exit.kind === "exited" && exit.code === STATUS));
  // The last one was stopped in its life, or while it was being made.
  if (odd.length > 1) yield `${odd.length} exits are not as they were: ${JSON.stringify(odd.slice(0, 5))}`;
  if (attempts.size - exits.length > 1) yield `of ${attempts.size} attempts only ${exits.length} have an exit`;
}

/** All lines of every attempt are there, once, in order. */
function checkLogs(logs: string): string[] {
  const wrong: string[] = [];
  const texts = readdirSync(logs)
    .map((name) => Number(/^(\d+)\.log$/.exec(name)?.[1]))
    .sort((one, other) => one - other)
    .map((attempt) => readFileSync(join(logs, `${attempt}.log`), "utf8"));
  let number = 0;
  for (const [attempt, text] of texts.entries()) {
    const lines = text
      .split("\n")
      .filter(Boolean)
      .map((line) => line.split(" ").slice(3).join(" "));
    const expected = Array.from({ length: LINES }, (_, index) => `attempt ${number} line ${index + 1}`);
    if (lines.length === 0 && attempt === texts.length - 1) continue;
    if (lines.join("\n") === expected.join("\n")) number += 1;
    else if (attempt < texts.length - 1)
      wrong.push(`log ${attempt}: ${JSON.stringify(lines)} instead of ${expected[0]} ...`);
  }
  return wrong;
}

function printSizes(samples: readonly Sample[]): void {
  const grown = samples.filter(({ ageMs }) => ageMs >= GROWN_MS);
  const rows: readonly [name: string, of: readonly Sample[], size: (sample: Sample) => number][] = [
    ["supervisor, resident", samples, (sample) => sample.supervisorKb],
    [`the same, ${GROWN_MS / 1000} s old`, grown, (sample) => sample.supervisorKb],
    ["reaper, resident", samples, (sample) => sample.reaperKb],
    ["io, resident", samples, (sample) => sample.ioKb],
    ["journal, on disk", samples, (sample) => sample.journalKb],
    ["exits, on disk", samples, (sample) => sample.exitsKb],
  ];
  for (const [name, of, size] of rows) {
    const third = Math.floor(of.length / 3);
    const words = [
      `${median(of.slice(0, third).map(size))} at first`,
      `${median(of.slice(-third).map(size))} at last`,
      `${Math.max(...of.map(size))} at most`,
    ];
    process.stdout.write(`${name.padEnd(20)} KiB, median: ${words.join(", ")}\n`);
  }
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)] ?? 0;
}

/** What a hole was made in has fewer blocks than bytes. */
function onDiskKb(path: string): number {
  return (statSync(path, { throwIfNoEntry: false })?.blocks ?? 0) / 2;
}

function ageOf(pid: number): number {
  return Date.now() - (statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.ctimeMs ?? Date.now());
}

function residentKb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readIfAny(`/proc/${pid}/status`))?.[1] ?? 0);
}

function readIfAny(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

await main();
