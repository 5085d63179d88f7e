// A pod's processes as they are at one instant, put on disk by CRIU; the pod is ended only when all of them are there. INVARIANTS:
// all containers stand still from before the first is dumped until the last one is; what fails leaves the pod running
// as before and nothing on disk; that a process was ended because it is on disk is nobody's exit.

import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { asPeapodError, PeapodError } from "../../base/errors.ts";
import { makeDir, readNames, readTextIfAny, writeJsonAtomic } from "../../base/files.ts";
import { freezeAt, freezePod, listCgroupPids, thawPod } from "../../host/cgroups/cgroups.ts";
import { readProcess } from "../../host/processes.ts";
import type { PlannedContainer } from "../../plan/plan.ts";
import { whyNotDumpable } from "../../plan/undumpable.ts";
import { type CriuChoice, findCriu, makeCriuEnv, makeDumpConfig } from "../../runtime/criu.ts";
import { findCriuReason } from "../../runtime/criu-log.ts";
import { dropFifoData } from "../../runtime/fifo-image.ts";
import type { PodState } from "../../state/pod-state.ts";
import type { ContainerKeeper } from "../container-keeper.ts";
import type { KeptPod } from "../context.ts";
import {
  beginCheckpoint,
  type CheckpointedContainer,
  type CheckpointFiles,
  type CheckpointRecord,
  makeCheckpointFiles,
  readStreams,
} from "./checkpoint-files.ts";
import { letGo, putAway, removeCheckpoint } from "./settle-checkpoint.ts";

const FLUSH_MS = 600_000;

export interface CheckpointAsked {
  readonly request: string;
  readonly criu?: string | undefined;
  readonly tcpEstablished?: boolean | undefined;
  readonly fileLocks?: boolean | undefined;
  readonly keep?: boolean | undefined;
}

/**
 * `hold`: nothing is begun any more with any container, and what was begun has ended.
 * @throws NOT_SUPPORTED, HOST_LACKS, WRONG_STATE before anything was touched; RUNTIME_FAILED with CRIU's reason
 */
export async function checkpointPod(pod: KeptPod, asked: CheckpointAsked, hold: () => Promise<unknown>): Promise<void> {
  assertDumpable(pod, asked);
  const criu = await findCriu(asked.criu);
  await hold();
  const running = listRunning(pod);
  for (const keeper of running) assertDumpableNow(pod, keeper);
  const files = makeCheckpointFiles(pod.plan);
  try {
    const containers = await dumpAll(pod, running, { files, criu, asked });
    await flushToDisk(files);
    const names = containers.map(({ name }) => name);
    pod.journal.append({ type: "pod.checkpointed", request: asked.request, containers: names });
  } catch (error) {
    keepLogs(pod, files, "dump");
    await letGo(pod, files).catch((worse: unknown) => pod.report(worse, "the pod could not be let go"));
    removeCheckpoint(files);
    throw error;
  }
  if (asked.keep) keepLogs(pod, files, "dump");
  await putAway(pod);
}

interface Dumping {
  readonly files: CheckpointFiles;
  readonly criu: CriuChoice;
  readonly asked: CheckpointAsked;
}

async function dumpAll(pod: KeptPod, running: readonly ContainerKeeper[], dumping: Dumping) {
  const { files, criu, asked } = dumping;
  beginCheckpoint(
    files,
    running.map(({ planned }) => planned.name),
    {},
  );
  await standStill(pod, running);
  const time = new Date().toISOString();
  const containers: CheckpointedContainer[] = [];
  // One after the other: side by side they would quarrel about the network that they share.
  for (const { planned } of running)
    containers.push({ name: planned.name, streams: await dump(pod, planned, dumping) });
  const { tcpEstablished = false, fileLocks = false } = asked;
  const record: CheckpointRecord = { version: 1, time, criu: criu.version, tcpEstablished, fileLocks, containers };
  writeJsonAtomic(files.record, record);
  return containers;
}

async function dump(pod: KeptPod, planned: PlannedContainer, { files, criu, asked }: Dumping) {
  const { name, namespaces } = planned;
  const { streams, inodes } = readStreams(planned);
  const isAlone = namespaces.net.scope === "pod" || namespaces.net.scope === "private";
  const external = streams.map(({ id }) => id);
  writeFileSync(files.config(name), makeDumpConfig(criu, external, isAlone), { mode: 0o600 });
  try {
    await pod.runtime.checkpoint(name, {
      images: files.images(name),
      work: files.work(name),
      ...(asked.tcpEstablished ? { tcpEstablished: true } : {}),
      ...(asked.fileLocks ? { fileLocks: true } : {}),
      env: makeCriuEnv(criu, files.config(name)),
    });
  } catch (error) {
    throw explainCriu(error, `container ${name}: cannot be checkpointed`, join(files.work(name), "dump.log"));
  }
  // What lives in a namespace that the pod keeps is there still when it comes back, and cannot be made again.
  if (namespaces.ipc.scope !== "private")
    for (const image of readNames(files.images(name)))
      if (/^ipcns-(?:shm|msg|sem)-/.test(image)) rmSync(join(files.images(name), image));
  const image = join(files.images(name), "fifo-data.img");
  if (existsSync(image)) writeFileSync(image, dropFifoData(readFileSync(image), inodes), { mode: 0o600 });
  return streams;
}

/** CRIU's own reason, where it told one; else the runtime's. */
export function explainCriu(error: unknown, what: string, log: string): PeapodError {
  const known = asPeapodError(error, what);
  const reason = findCriuReason(readTextIfAny(log) ?? "");
  if (known.code !== "RUNTIME_FAILED" || reason === undefined) return known;
  return new PeapodError("RUNTIME_FAILED", `${what}: ${reason}`, {
    cause: error,
    hint: "CRIU's log stays in the directory criu of the pod's own",
  });
}

/** For who wants to know more than the reason. */
export function keepLogs({ plan }: KeptPod, files: CheckpointFiles, kind: "dump" | "restore"): void {
  const dir = join(plan.paths.dir, "criu");
  makeDir(dir);
  for (const { name } of plan.containers) {
    const log = join(files.work(name), `${kind}.log`);
    if (existsSync(log)) copyFileSync(log, join(dir, `${name}-${kind}.log`));
  }
}

function assertDumpable({ plan, journal, containers }: KeptPod, asked: CheckpointAsked): void {
  const running = new Set([...containers.keys()].filter((name) => statusOf(journal.state, name) === "running"));
  const why = whyNotDumpable(plan, running, { tcpEstablished: asked.tcpEstablished ?? false });
  if (why !== undefined) throw new PeapodError("NOT_SUPPORTED", `${why}; it cannot be checkpointed`);
}

function statusOf({ containers }: PodState, name: string) {
  return containers.find((one) => one.name === name)?.status;
}

/** @throws WRONG_STATE where one is between two states, or none runs */
function listRunning({ plan, containers }: KeptPod): readonly ContainerKeeper[] {
  const keepers = [...containers.values()];
  const between = keepers.find(({ state }) => state.status === "creating" || state.status === "created");
  if (between !== undefined)
    throw new PeapodError(
      "WRONG_STATE",
      `container ${between.planned.name}: is ${between.state.status}, not running yet`,
    );
  const running = keepers.filter(({ state }) => state.status === "running");
  if (running.length > 0) return running;
  throw new PeapodError("WRONG_STATE", `pod ${plan.pod}: no container is running, so there is nothing to checkpoint`);
}

/**
 * What was begun beside a container has its parent outside, and would be torn from it. One that was stopped by a signal cannot
 * be taken hold of in a frozen cgroup: CRIU would wait for it for ever. And memory of System V is found again by CRIU only
 * where it may make it anew, which it may not in a namespace that the pod has kept.
 */
function assertDumpableNow({ facts }: KeptPod, { planned, state }: ContainerKeeper): void {
  const refuse = (why: string, hint: string) => {
    throw new PeapodError("WRONG_STATE", `container ${planned.name}: ${why}`, { hint });
  };
  const pids = new Set(listCgroupPids(planned.cgroupPath, facts));
  const keepsIpc = planned.namespaces.ipc.scope !== "private";
  for (const pid of pids) {
    const found = readProcess(pid);
    if (found === undefined || found.state === "Z") continue;
    const who = `${found.comm}, process ${pid}`;
    if (found.state === "T" || found.state === "t")
      refuse(`a process is stopped (${who})`, "let it go on (SIGCONT), or end it");
    if (keepsIpc && /^.* \/SYSV[0-9a-f]{8}/m.test(readTextIfAny(`/proc/${pid}/maps`) ?? ""))
      refuse(
        `a process has System V shared memory attached (${who})`,
        "it can be put on disk only from an ipc namespace of the container's own",
      );
    if (pid !== state.pid && !pids.has(found.ppid))
      refuse(`a command that exec began in it still runs (${who})`, "wait until it has ended, or end it");
  }
}

/** All at one instant, by the pod's own freezer; then each by its own, which CRIU takes hold of and gives back. */
async function standStill({ plan, facts }: KeptPod, running: readonly ContainerKeeper[]): Promise<void> {
  await freezePod(plan.sandbox.cgroup, facts);
  await Promise.all(running.map(({ planned }) => freezeAt(planned.cgroupPath, facts)));
  await thawPod(plan.sandbox.cgroup, facts);
}

/** All of it: the processes are ended next. */
async function flushToDisk({ dir }: CheckpointFiles): Promise<void> {
  const { call } = await import("../../base/call.ts");
  const done = await call({ program: "sync", args: ["--file-system", dir], timeoutMs: FLUSH_MS });
  if (done.exitCode !== 0)
    throw new PeapodError("OUT_OF_RESOURCES", `${dir}: cannot be written to disk: ${done.stderr.trim()}`);
}
