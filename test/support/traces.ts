// What a peapod with this root has on the machine: processes, mounts, cgroups, sockets, directories. Reads only the
// kernel and the file system, nothing of peapod's own memory, since that is what it is to check.

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { ATTACHMENTS_DIR, PORTS_DIR, podsDir } from "../../src/base/paths.ts";
import { makeBases } from "../../src/plan/cgroups.ts";
import { isBelow, listIfAny, readIfAny, readLinkIfAny } from "./if-any.ts";

const CGROUPS = "/sys/fs/cgroup";

/** One line for each thing, as people can read it; empty: nothing of ours is there. */
export function readTraces(root: string): string[] {
  return [
    ...readProcesses(root),
    ...readMounts(root),
    ...readCgroups(root),
    ...readSockets(root),
    ...readPods(root),
    ...readClaims(root),
  ];
}

function readProcesses(root: string): string[] {
  const bases = makeBases(root);
  const traces: string[] = [];
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    if (pid === String(process.pid)) continue;
    const words = readIfAny(`/proc/${pid}/cmdline`).split("\0");
    const cgroups = readIfAny(`/proc/${pid}/cgroup`);
    const isOurs =
      isBelow(readLinkIfAny(`/proc/${pid}/cwd`), root) ||
      (isOurProgram(words[0] ?? "") && words.some((word) => word.includes(root))) ||
      cgroups.split("\n").some((line) => bases.some((base) => isBelow(line.split(":").slice(2).join(":"), base)));
    // A zombie is its parent's to reap; nothing of it runs. One that is being reaped is X, or has no file any more.
    const runs = /^State:\t[^ZX]/m.test(readIfAny(`/proc/${pid}/status`));
    if (isOurs && runs) traces.push(`process ${pid}: ${words.join(" ").trim()}`);
  }
  return traces;
}

function isOurProgram(path: string): boolean {
  return ["peapod-reaper", "peapod-io", "node", "runc", "crun"].includes(basename(path));
}

function readMounts(root: string): string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .filter((fields) => isBelow((fields[4] ?? "").replace(/\\040/g, " "), root))
    .map((fields) => `mount ${fields[4]}`);
}

function readCgroups(root: string): string[] {
  const hierarchies = [CGROUPS, ...readdirSync(CGROUPS).map((name) => join(CGROUPS, name))];
  return hierarchies
    .flatMap((dir) => makeBases(root).map((base) => join(dir, base)))
    .filter((dir) => existsSync(dir))
    .map((dir) => `cgroup ${dir}`);
}

/** By their files: the reaper binds by a relative name, so the kernel's list of sockets does not say whose they are. */
function readSockets(root: string): string[] {
  const places = listIfAny(podsDir(root)).flatMap((pod) => [pod, ...listIfAny(join(pod, "io"))]);
  return places
    .flatMap((dir) => listIfAny(dir))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isSocket())
    .map((path) => `socket ${path}`);
}

/** Networks and ports are one set for all roots. */
function readClaims(root: string): string[] {
  const records = listIfAny(ATTACHMENTS_DIR).filter((path) => readIfAny(path).includes(JSON.stringify(root)));
  const ports = listIfAny(PORTS_DIR).filter((path) => readIfAny(path).includes(`${root}/`));
  return [...records.map((path) => `attachment ${path}`), ...ports.map((path) => `port ${path}`)];
}

function readPods(root: string): string[] {
  return listIfAny(podsDir(root)).map((dir) => `directory ${dir}`);
}
