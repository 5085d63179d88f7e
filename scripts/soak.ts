// Looks for what is lost when nothing goes well: a container ends again and again, with a growing log, while SIGKILL meets
// its supervisor at random. Each exit must stand in the journal once, each line in the log, and memory must stay flat.
// usage: soak [--restarts N]

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { stringify } from "yaml";
import type { Event } from "../src/state/event.ts";
import { busyboxRootfs } from "../test/support/rootfs.ts";
import { readTraces } from "../test/support/traces.ts";

const PEAPOD = fileURLToPath(new URL("../dist/bin/peapod", import.meta.url));
const LINES = 3;
const STATUS = 9;
const LONGEST_MS = 400;

interface Sample {
  readonly reaperKb: number;
  readonly supervisorKb: number;
  readonly ioKb: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { restarts: { type: "string", default: "1000" } } });
  const restarts = Number(values.restarts);
  const place = mkdtempSync("/run/peapod-soak-");
  const root = join(place, "run");
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
    const { kills, samples } = await harass(root, () => attemptsIn(join(root, "pods/soak/journal")) > restarts);
    const seconds = (Date.now() - began) / 1000;
    peapod("stop", "soak");
    const lost = [...check(peapod("events", "soak", "--format", "json"), join(root, "logs/soak/worker"))];
    const verified = peapod("verify", "soak").trim();
    peapod("delete", "soak");
    lost.push(...readTraces(root).map((trace) => `left over: ${trace}`));
    process.stdout.write(`${restarts} restarts, ${kills} supervisors killed, ${seconds.toFixed(0)} s; ${verified}\n`);
    printMemory(samples);
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
    samples.push({
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

function attemptsIn(journal: string): number {
  return readIfAny(journal).split('"type":"container.exited"').length - 1;
}

/** Every attempt has ended as it does, once, and all its lines are there, once, in order. */
function* check(events: string, logs: string): Generator<string> {
  const all = events
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Event);
  const ofWorker = all.filter((event) => "container" in event && event.container === "worker");
  const attempts = new Set(
    ofWorker.flatMap((event) => (event.type === "container.creating" ? [event.attempt ?? 0] : [])),
  );
  const exits = ofWorker.flatMap((event) => (event.type === "container.exited" ? [event.exit] : []));
  const odd = exits.filter((exit) => !(exit.kind === "exited" && exit.code === STATUS));
  // The last one was stopped in its life, or while it was being made.
  if (odd.length > 1) yield `${odd.length} exits are not as they were: ${JSON.stringify(odd.slice(0, 5))}`;
  if (attempts.size - exits.length > 1) yield `of ${attempts.size} attempts only ${exits.length} have an exit`;
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
    else if (attempt < texts.length - 1) yield `log ${attempt}: ${JSON.stringify(lines)} instead of ${expected[0]} ...`;
  }
}

function printMemory(samples: readonly Sample[]): void {
  const third = Math.floor(samples.length / 3);
  for (const [name, of] of [
    ["supervisor", (sample: Sample) => sample.supervisorKb],
    ["reaper", (sample: Sample) => sample.reaperKb],
    ["io", (sample: Sample) => sample.ioKb],
  ] as const) {
    const median = (part: readonly Sample[]) =>
      part.map(of).sort((one, other) => one - other)[Math.floor(part.length / 2)];
    const most = Math.max(...samples.map(of));
    const words = [
      `${median(samples.slice(0, third))} at first`,
      `${median(samples.slice(-third))} at last`,
      `${most} at most`,
    ];
    process.stdout.write(`${name.padEnd(10)} resident KiB, median: ${words.join(", ")}\n`);
  }
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
