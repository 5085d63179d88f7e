// The two ends that every checkpoint and restore comes to, whoever died on the way: nothing of the pod runs and all of it is
// on disk, or all of it runs as it did. The journal says which. Each part may be done again.

import { existsSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { call } from "../../base/call.ts";
import { PeapodError } from "../../base/errors.ts";
import { readOwnJson } from "../../base/files.ts";
import { freezePod, killCgroup, listCgroupPids, thawPod, thawTogether } from "../../host/cgroups/cgroups.ts";
import { isPinned } from "../../host/namespace-ids.ts";
import { readProcess, signalProcess } from "../../host/processes.ts";
import { removeTree } from "../../host/volumes.ts";
import type { KeptPod } from "../context.ts";
import { endIo } from "../renew.ts";
import type { Begun, CheckpointFiles, CheckpointRecord } from "./checkpoint-files.ts";
import { isRestoring, makeCheckpointFiles } from "./checkpoint-files.ts";

const TOOL_MS = 20_000;

/** For a supervisor that begins. */
export async function settleCheckpoint(pod: KeptPod): Promise<void> {
  const files = makeCheckpointFiles(pod.plan);
  if (pod.journal.state.checkpointedAt !== undefined) return putAway(pod);
  if (!existsSync(files.dir)) return;
  await letGo(pod, files);
  removeCheckpoint(files);
}

/** Those that are on disk: whatever of them runs is ended, and the runtime forgets them. This is no exit of theirs. */
export async function putAway(pod: KeptPod): Promise<void> {
  const keepers = [...pod.containers.values()].filter(({ state }) => state.status === "checkpointed");
  await Promise.all(
    keepers.map(async ({ planned }) => {
      await killCgroup(planned.cgroupPath, pod.facts);
      if (existsSync(join(pod.plan.paths.runtimeRoot, planned.name)))
        await pod.runtime.delete(planned.name, { force: true });
      await endIo(pod, planned);
      pod.io.release(planned);
    }),
  );
  await thawPod(pod.plan.sandbox.cgroup, pod.facts);
}

/** Those that run: all of them go on at one instant. */
export async function letGo(pod: KeptPod, files: CheckpointFiles): Promise<void> {
  const { cgroup } = pod.plan.sandbox;
  const record = readOwnJson<CheckpointRecord>(files.record);
  const running = [...pod.containers.values()].filter(({ state }) => state.status === "running");
  const paths = running.map(({ planned }) => planned.cgroupPath);
  // Held from above, so that nobody begins before the others may; who cannot be held is let go all the same.
  await freezePod(cgroup, pod.facts).catch((error: unknown) => pod.report(error, "the pod goes on one by one"));
  try {
    if (isRestoring(files)) {
      const pids = running.flatMap(({ planned }) => listCgroupPids(planned.cgroupPath, pod.facts));
      for (const pid of pids) resume(pid);
      if (record?.tcpEstablished) await openLoopback(pod);
    }
  } finally {
    await thawTogether(cgroup, paths, pod.facts);
  }
}

export function removeCheckpoint(files: CheckpointFiles): void {
  const partial = readOwnJson<Begun>(files.begun)?.partial;
  if (partial !== undefined) rmSync(partial, { force: true });
  removeTree(files.dir);
  try {
    rmdirSync(dirname(files.dir));
  } catch {
    // Another pod has its own there.
  }
}

/** CRIU left it stopped; it was not when it was put on disk. */
function resume(pid: number): void {
  const found = readProcess(pid);
  if (found !== undefined) signalProcess(pid, found.startTime, "SIGCONT");
}

/** Whoever has his end of a connection back before the other would hear that there is none. */
export async function closeLoopback(pod: KeptPod): Promise<void> {
  await openLoopback(pod);
  const done = await inNetwork(pod, ["add", "dev", "lo", "root", "blackhole"]);
  if (done === undefined || done.exitCode === 0) return;
  throw new PeapodError("HOST_LACKS", `pod ${pod.plan.pod}: its loopback cannot be closed: ${done.stderr.trim()}`, {
    hint: "tc (iproute2) and the kernel's packet schedulers do it; without them, no TCP connections can be restored",
  });
}

async function openLoopback(pod: KeptPod): Promise<void> {
  // Not closed is open already.
  await inNetwork(pod, ["del", "dev", "lo", "root"]);
}

async function inNetwork({ plan }: KeptPod, words: readonly string[]) {
  const pin = plan.sandbox.namespaces.find(({ kind, owner }) => kind === "net" && owner === "pod");
  if (pin === undefined || !isPinned(pin.file)) return undefined;
  return call({ program: "nsenter", args: [`--net=${pin.file}`, "tc", "qdisc", ...words], timeoutMs: TOOL_MS });
}
