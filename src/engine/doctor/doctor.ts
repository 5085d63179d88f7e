// Lists every object of peapod's on this machine with its owner, and finds those that nobody needs any more: after a
// crash of the machine, or of ourselves. Removes nothing unless asked, and never anything of a pod with a living process.

import { existsSync, readlinkSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { readNames, readOwnJson } from "../../base/files.ts";
import { isPodName, type PodName } from "../../base/names.ts";
import { checkpointDir, checkpointsDir, makePodPaths, podsDir, sandboxesDir } from "../../base/paths.ts";
import { isReaperAlive } from "../../exits/reaper.ts";
import { killCgroup, listCgroupDirs, listCgroupPids, removePodCgroup } from "../../host/cgroups/cgroups.ts";
import { listPidsOfPod, readOverlays } from "../../host/cgroups/population.ts";
import { removeIfLeft } from "../../host/claims.ts";
import type { HostFacts } from "../../host/facts.ts";
import { readMountTable } from "../../host/mount-table.ts";
import { isSameProcess, readCommandLine, readPids, readProcess, signalProcess } from "../../host/processes.ts";
import { readHostFacts } from "../../host/read-facts.ts";
import { isUplinkProgram } from "../../host/uplink.ts";
import { removeTree } from "../../host/volumes.ts";
import { makeBases, makePossibleCgroups, ownerOfCgroup } from "../../plan/cgroups.ts";
import type { Plan } from "../../plan/plan.ts";
import type { DoctorObject, DoctorReport } from "../engine.ts";
import { readPodNames } from "../looking/reader.ts";
import { readPortClaims } from "../networks/port-claims.ts";
import { listCgroupsOfUsers } from "../users-cgroup.ts";
import { clearImages, readLeftImages } from "./doctor-images.ts";
import { clearAttachments, readAttachments } from "./doctor-networks.ts";
import { removeRuins } from "./ruins.ts";

/** Far longer than it takes, and no longer than anybody minds to wait for a clean-up. */
const MAKING_MS = 10_000;
/** Whose processes may be ours; a user's `tail -f` of a file of ours is not. */
const OUR_PROGRAMS = new Set(["peapod-reaper", "peapod-io", "node", "runc", "crun"]);

export async function examine(root: string, { fix }: { readonly fix: boolean }): Promise<DoctorReport> {
  const facts = readHostFacts();
  const objects = await readObjects(root, facts);
  if (!fix) return { objects, fixed: [], problems: [] };
  const orphans = objects.filter((object) => object.orphan);
  await removeOrphans(root, orphans, facts);
  const attachments = orphans.filter(({ kind }) => kind === "attachment").map(({ name }) => name);
  const problems = [
    ...(await clearAttachments(attachments)),
    ...(orphans.some(({ kind }) => kind === "image") ? await clearImages(root) : []),
  ];
  const left = new Set((await readObjects(root, facts)).map(keyOf));
  return { objects, fixed: orphans.filter((object) => !left.has(keyOf(object))), problems };
}

async function readObjects(root: string, facts: HostFacts): Promise<DoctorObject[]> {
  const names = [...readPodNames(root), ...(readNames(sandboxesDir(root)) as PodName[])];
  const alive = new Set(names.filter((pod) => isAlive(root, pod, facts)));
  const found: Omit<DoctorObject, "orphan">[] = [
    ...readProcesses(root, facts),
    ...readMounts(root),
    ...readCgroups(root, facts),
    ...readFiles(root),
    ...readPortClaims(podsDir(root)).map(({ file, pod }) => ({
      kind: "port",
      name: file,
      owner: basename(pod),
      detail: "of this machine, taken",
    })),
  ];
  return found
    .map((object) => ({ ...object, orphan: !alive.has(podOf(object.owner)) }))
    .concat(readAttachments(root, alive), await readLeftImages(root))
    .sort((a, b) => (a.owner ?? "").localeCompare(b.owner ?? "") || a.kind.localeCompare(b.kind));
}

/** A pod lives as long as somebody watches it or a process of it runs, degraded or not, and while it is being made. */
function isAlive(root: string, pod: PodName, facts: HostFacts): boolean {
  if (isWatched(root, pod) || hasCaller(root, pod)) return true;
  if (facts.user !== undefined) return listPidsOfPod(makePodPaths(root, pod)).length > 0;
  return makePossibleCgroups(root, pod).some(({ path }) => listCgroupPids(path, facts).length > 0);
}

function isWatched(root: string, pod: PodName): boolean {
  const { dir } = makePodPaths(root, pod);
  return isReaperAlive(dir) || isBeingMade(dir) || isBeingMade(join(sandboxesDir(root), pod));
}

/** Its caller's container runs, so he will delete it in his time, whoever of ours is dead. */
function hasCaller(root: string, pod: PodName): boolean {
  try {
    const plan = readOwnJson<Plan>(makePodPaths(root, pod).plan);
    return plan?.outer !== undefined && isSameProcess(plan.outer.pid, plan.outer.startTime);
  } catch {
    // A plan that cannot be read names no caller.
    return false;
  }
}

/** Between making its directory and the reaper's coming there a pod has nothing but its name. */
function isBeingMade(dir: string): boolean {
  const found = statSync(dir, { throwIfNoEntry: false });
  return found !== undefined && !existsSync(join(dir, "reaper.pid")) && Date.now() - found.mtimeMs < MAKING_MS;
}

function readProcesses(root: string, facts: HostFacts): Omit<DoctorObject, "orphan">[] {
  const pods = podsDir(root);
  const inCgroups = new Map<number, string>();
  for (const dir of listPodCgroups(root, facts)) {
    for (const pid of listCgroupPids(dir, facts)) inCgroups.set(pid, ownerOfCgroup(dir));
  }
  if (facts.user !== undefined) {
    for (const pod of readPodNames(root))
      for (const pid of listPidsOfPod(makePodPaths(root, pod))) inCgroups.set(pid, pod);
    // Also of pods whose directory is gone.
    for (const { pid, upper } of readOverlays()) {
      if (upper.startsWith(`${pods}/`)) inCgroups.set(pid, upper.slice(pods.length + 1).split("/")[0] ?? "");
    }
  }
  return readPids().flatMap((pid) => {
    const process = readProcess(pid);
    if (process === undefined || process.state === "Z") return [];
    const owner = inCgroups.get(pid) || ownerAmongOurs(pid, process.ppid, pods);
    if (owner === undefined) return [];
    return [{ kind: "process", name: String(pid), owner, detail: readCommand(pid) || process.comm }];
  });
}

/** Our own programs: the reaper stands in the pod's directory, the supervisor is its child, io, runtime and uplink name it. */
function ownerAmongOurs(pid: number, parentPid: number, pods: string): string | undefined {
  const words = readCommand(pid).split(" ");
  const program = words[0] ?? "";
  if (!OUR_PROGRAMS.has(basename(program)) && !isUplinkProgram(program)) return undefined;
  const path = [readCwd(pid), readCwd(parentPid), ...words].find((word) => word?.startsWith(`${pods}/`));
  return path?.slice(pods.length + 1).split("/")[0];
}

function readMounts(root: string): Omit<DoctorObject, "orphan">[] {
  const pods = podsDir(root);
  return readMountTable()
    .filter((mount) => mount.target.startsWith(`${pods}/`))
    .map((mount) => {
      const isNamespace = mount.type === "nsfs";
      const rest = mount.target.slice(pods.length + 1).split("/");
      const container = rest[1] === "bundles" ? rest[2] : undefined;
      return {
        kind: isNamespace ? "namespace" : "mount",
        name: mount.target,
        owner: container === undefined ? rest[0] : `${rest[0]}/${container}`,
        detail: isNamespace ? (rest.at(-1) ?? "") : mount.type,
      };
    });
}

function readCgroups(root: string, facts: HostFacts): Omit<DoctorObject, "orphan">[] {
  return listPodCgroups(root, facts).map((dir) => ({
    kind: "cgroup",
    name: dir,
    owner: ownerOfCgroup(dir),
    detail: counted(listCgroupPids(dir, facts).length),
  }));
}

/** Of whichever driver. */
function listPodCgroups(root: string, facts: HostFacts): string[] {
  if (facts.user !== undefined) return listCgroupsOfUsers(root, facts);
  return makeBases(root).flatMap((base) => listCgroupDirs(base, facts).filter((dir) => dir !== base));
}

function readFiles(root: string): Omit<DoctorObject, "orphan">[] {
  const pods = podsDir(root);
  const logs = dirname(makePodPaths(root, "x" as PodName).logs);
  const dirs = (base: string, detail: string) =>
    readNames(base).map((name) => ({ kind: "directory", name: join(base, name), owner: name, detail }));
  const sandboxes = dirs(sandboxesDir(root), "sandbox of a caller's container");
  return [
    ...dirs(pods, "state"),
    ...dirs(logs, "logs"),
    ...dirs(checkpointsDir(root), "checkpoint"),
    ...sandboxes,
    ...readNames(pods).flatMap((pod) => readSockets(pods, pod)),
  ];
}

function readSockets(pods: string, pod: string): Omit<DoctorObject, "orphan">[] {
  const io = join(pods, pod, "io");
  const attach = readNames(io).map((container) => ({
    kind: "socket",
    name: join(io, container, "attach.sock"),
    owner: `${pod}/${container}`,
    detail: "attach socket",
  }));
  const control = { kind: "socket", name: join(pods, pod, "control.sock"), owner: pod, detail: "control socket" };
  return [control, ...attach].filter(({ name }) => existsSync(name));
}

async function removeOrphans(root: string, orphans: readonly DoctorObject[], facts: HostFacts): Promise<void> {
  for (const object of orphans) {
    if (object.kind !== "process") continue;
    const startTime = readProcess(Number(object.name))?.startTime;
    if (startTime !== undefined) signalProcess(Number(object.name), startTime, "SIGKILL");
  }
  // Only what is a name: an empty one would stand for all pods.
  const pods = new Set(orphans.map((object) => podOf(object.owner)).filter(isPodName));
  for (const pod of pods) {
    // Asked again: it may have been made anew meanwhile. One that cannot be removed must not keep the others.
    if (!isWatched(root, pod)) await removePod(root, pod, facts).catch(() => undefined);
  }
  for (const { name, kind } of orphans) if (kind === "port") removeIfLeft(name);
  // What is no pod's name lies there all the same and is nobody's.
  for (const name of readNames(podsDir(root))) if (!isPodName(name)) removeTree(join(podsDir(root), name));
}

async function removePod(root: string, pod: PodName, facts: HostFacts): Promise<void> {
  const paths = makePodPaths(root, pod);
  if (existsSync(paths.dir)) await removeRuins(paths, root);
  for (const cgroup of facts.user === undefined ? makePossibleCgroups(root, pod) : []) {
    await killCgroup(cgroup.path, facts);
    await removePodCgroup(cgroup, facts);
  }
  removeTree(paths.logs);
  removeTree(checkpointDir(paths));
  removeTree(join(sandboxesDir(root), pod));
}

function keyOf(object: DoctorObject): string {
  return `${object.kind} ${object.name}`;
}

function podOf(owner: string | undefined): PodName {
  return (owner ?? "").split("/")[0] as PodName;
}

function counted(processes: number): string {
  return processes === 1 ? "1 process" : `${processes} processes`;
}

function readCommand(pid: number): string {
  return (readCommandLine(pid) ?? []).join(" ").trim();
}

function readCwd(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}
