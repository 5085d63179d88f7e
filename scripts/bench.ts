// How long a pod takes up and down, beside what one would do by hand and beside podman, and what it costs while it
// idles. All contenders take turns, so that a slow moment hits all.
// usage: bench [--runs N] [--json FILE] [--no-podman] [--docker] [--network] [--images]

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
  type Contender,
  makeNetworked,
  makePeapod,
  makePodman,
  makeSameBundles,
  makeShell,
} from "./bench-contenders.ts";
import { printColumns } from "./bench-print.ts";

/** By then a supervisor with nothing to do has gone to sleep. */
const IDLE_MS = 4000;

interface Times {
  readonly up: number[];
  readonly down: number[];
}

interface Row {
  readonly name: string;
  readonly what: string;
  /** Milliseconds. */
  readonly upMs: number;
  readonly downMs: number;
  readonly upMinMs: number;
  readonly downMinMs: number;
}

interface Memory {
  readonly process: string;
  readonly rssKb: number;
  /** Proportional: what several share counts in part for each, see smaps_rollup in proc(5). */
  readonly pssKb: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: "string" },
      json: { type: "string" },
      "no-podman": { type: "boolean" },
      docker: { type: "boolean" },
      // The pair with a network alone.
      network: { type: "boolean" },
      images: { type: "boolean" },
    },
  });
  const runs = Number(values.runs ?? 10);
  // Instead of the rest: it has contenders of its own, and starts a Docker daemon for them.
  if (values.docker) return (await import("./bench-docker.ts")).benchDocker(runs);
  if (values.images) return (await import("./bench-images.ts")).benchImages(runs);
  // Where state that ends with the machine lies by default.
  const place = mkdtempSync("/run/peapod-bench-");
  const bin = fileURLToPath(new URL("../dist/bin", import.meta.url));
  const peapod = makePeapod(place, bin);
  const podman = values["no-podman"] ? undefined : makePodman(place);
  const byHand = [makeShell(place, false), makeShell(place, true), makeSameBundles(place, bin)];
  const contenders = [peapod, ...byHand, ...(podman ? [podman[0]] : [])];
  const networked = [...makeNetworked(place, bin), ...(podman ? [podman[1]] : [])];
  try {
    if (values.network) return printTable(measure(networked, runs), runs);
    const rows = measure(contenders, runs);
    const withNetwork = measure(networked, runs);
    const memory = await measureMemory(peapod, join(place, "peapod"));
    printTable(rows, runs);
    printTable(withNetwork, runs);
    printMemory(memory);
    if (values.json !== undefined)
      writeFileSync(values.json, `${JSON.stringify({ runs, rows, withNetwork, memory }, null, 2)}\n`);
  } finally {
    for (const contender of [...contenders, ...networked]) contender.end?.();
    rmSync(place, { recursive: true, force: true });
  }
}

/** The first round, which fills caches, is not counted. */
function measure(contenders: readonly Contender[], runs: number): Row[] {
  const times = new Map<Contender, Times>(contenders.map((contender) => [contender, { up: [], down: [] }]));
  for (let round = 0; round <= runs; round++) {
    for (const [contender, { up, down }] of times) {
      const upMs = timed(contender.up);
      const downMs = timed(contender.down);
      if (round === 0) continue;
      up.push(upMs);
      down.push(downMs);
    }
  }
  return [...times].map(([{ name, what }, { up, down }]) => ({
    name,
    what,
    upMs: median(up),
    downMs: median(down),
    upMinMs: Math.min(...up),
    downMinMs: Math.min(...down),
  }));
}

function timed(work: () => void): number {
  const start = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - start) / 1e6;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length / 2;
  const [low = 0, high = 0] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return (low + high) / 2;
}

async function measureMemory(peapod: Contender, root: string): Promise<{ awake: Memory[]; asleep: Memory[] }> {
  peapod.up();
  try {
    const awake = readMemory(root);
    await sleep(IDLE_MS);
    return { awake, asleep: readMemory(root) };
  } finally {
    peapod.down();
  }
}

/** Everything of ours below `root`: reaper, supervisor, io. Containers are not ours. */
function readMemory(root: string): Memory[] {
  const found: Memory[] = [];
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      const program = words[0]?.split("/").at(-1) ?? "";
      const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
      const isOurs = words.some((word) => word.includes(root)) || environment.includes(`PEAPOD_ROOT=${root}\0`);
      if (!["peapod-reaper", "peapod-io", "node"].includes(program) || !isOurs) continue;
      const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
      const kb = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(rollup)?.[1] ?? 0);
      const name = program === "node" ? "supervisor" : program.replace("peapod-", "");
      found.push({ process: name, rssKb: kb("Rss"), pssKb: kb("Pss") });
    } catch {
      // It ended while we looked.
    }
  }
  return found.sort((one, other) => one.process.localeCompare(other.process));
}

function printTable(rows: readonly Row[], runs: number): void {
  const [peapod] = rows;
  process.stdout.write(`medians of ${runs} interleaved runs, in milliseconds (least in brackets)\n\n`);
  const lines = rows.map((row) => [
    row.name,
    `${row.upMs.toFixed(0)} (${row.upMinMs.toFixed(0)})`,
    `${row.downMs.toFixed(0)} (${row.downMinMs.toFixed(0)})`,
    row === peapod || !peapod ? "" : `${(peapod.upMs / row.upMs).toFixed(2)} x`,
    row === peapod || !peapod ? "" : `${(peapod.downMs / row.downMs).toFixed(2)} x`,
  ]);
  printColumns([["", "up", "down", "peapod's up", "peapod's down"], ...lines]);
}

function printMemory(memory: { awake: readonly Memory[]; asleep: readonly Memory[] }): void {
  for (const [when, processes] of Object.entries(memory)) {
    process.stdout.write(`\nmemory with the supervisor ${when}, in KiB\n\n`);
    const total = {
      process: "together",
      rssKb: processes.reduce((sum, one) => sum + one.rssKb, 0),
      pssKb: processes.reduce((sum, one) => sum + one.pssKb, 0),
    };
    printColumns([
      ["", "resident", "proportional"],
      ...[...processes, total].map((one) => [one.process, String(one.rssKb), String(one.pssKb)]),
    ]);
  }
}

await main();
