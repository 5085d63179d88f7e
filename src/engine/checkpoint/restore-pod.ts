// A pod's processes taken up again from disk, below our reaper, in the namespaces, volumes and root file systems that the pod
// has kept. INVARIANT: each stands still until the journal says that all of them are there; what fails before leaves the
// pod checkpointed, as a whole.

import { closeSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readProcess } from "../../host/processes.ts";
import { type CriuChoice, findCriu, makeCriuEnv, makeRestoreConfig } from "../../runtime/criu.ts";
import type { RestoredContainer } from "../../state/event.ts";
import type { ContainerKeeper } from "../container-keeper.ts";
import type { KeptPod } from "../context.ts";
import {
  type CheckpointedContainer,
  type CheckpointFiles,
  type CheckpointRecord,
  makeCheckpointFiles,
  noteRestoring,
  readRecord,
} from "./checkpoint-files.ts";
import { explainCriu, keepLogs } from "./checkpoint-pod.ts";
import { closeLoopback, letGo, putAway, removeCheckpoint } from "./settle-checkpoint.ts";

export interface RestoreAsked {
  readonly request: string;
  readonly criu?: string | undefined;
  readonly keep?: boolean | undefined;
}

/** @throws HOST_LACKS, STATE_DAMAGED before anything was done; RUNTIME_FAILED with CRIU's reason */
export async function restorePod(pod: KeptPod, asked: RestoreAsked): Promise<void> {
  const files = makeCheckpointFiles(pod.plan);
  const record = readRecord(files);
  const criu = await findCriu(asked.criu);
  try {
    noteRestoring(files);
    // What somebody before us left of a try.
    await putAway(pod);
    if (record.tcpEstablished) await closeLoopback(pod);
    const containers: RestoredContainer[] = [];
    for (const one of record.containers) containers.push(await restore(pod, one, { files, record, criu }));
    pod.journal.append({ type: "pod.restored", request: asked.request, containers });
  } catch (error) {
    keepLogs(pod, files, "restore");
    await putAway(pod).catch((worse: unknown) => pod.report(worse, "what was restored of the pod could not be ended"));
    throw error;
  }
  if (asked.keep) keepLogs(pod, files, "restore");
  await letGo(pod, files);
  removeCheckpoint(files);
  await lookAfter(pod);
}

interface Restoring {
  readonly files: CheckpointFiles;
  readonly record: CheckpointRecord;
  readonly criu: CriuChoice;
}

async function restore(
  pod: KeptPod,
  { name, streams }: CheckpointedContainer,
  { files, record, criu }: Restoring,
): Promise<RestoredContainer> {
  const { planned, state } = keeperOf(pod, name);
  const exitsOffset = pod.inbox.end;
  await pod.io.open(planned, { attempt: state.attempt });
  const writers = pod.io.openWriters(planned);
  writeFileSync(files.config(name), makeRestoreConfig(streams), { mode: 0o600 });
  try {
    const { pid } = await pod.runtime.restore(
      {
        id: name,
        bundle: planned.paths.bundle,
        pidFile: planned.paths.pidFile,
        stdio: [writers.stdin, writers.stdout, writers.stderr],
      },
      {
        images: files.images(name),
        work: files.work(name),
        ...(record.tcpEstablished ? { tcpEstablished: true } : {}),
        ...(record.fileLocks ? { fileLocks: true } : {}),
        env: makeCriuEnv(criu, files.config(name)),
      },
    );
    return { name, pid, startTime: readProcess(pid)?.startTime ?? 0, exitsOffset };
  } catch (error) {
    throw explainCriu(error, `container ${name}: cannot be restored`, join(files.work(name), "restore.log"));
  } finally {
    for (const one of Object.values(writers)) if (typeof one === "number") closeSync(one);
  }
}

/** An io may have died, and a container ended, before anybody knew that they were to be looked after. */
async function lookAfter(pod: KeptPod): Promise<void> {
  for (const keeper of pod.containers.values()) {
    const { planned, state } = keeper;
    if (state.status === "running" && !pod.io.isAlive(planned))
      await pod.io.open(planned, { attempt: state.attempt, resumed: true });
    keeper.claimExit();
  }
}

function keeperOf(pod: KeptPod, name: CheckpointedContainer["name"]): ContainerKeeper {
  const keeper = pod.containers.get(name);
  if (keeper === undefined) throw new Error(`the checkpoint names a container ${name} that the pod does not have`);
  return keeper;
}
