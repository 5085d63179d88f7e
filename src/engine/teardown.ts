// Takes a pod down to nothing, in the reverse order of its plan. Serves `delete`, a create that failed half-way, and
// doctor's clean-up: each part asks what is there, so it may begin from any state and may be called again.

import { rmdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { errnoOf } from "../base/errors.ts";
import { readNames } from "../base/files.ts";
import type { PodPaths } from "../base/paths.ts";
import { removePodCgroup, thawPod } from "../host/cgroups.ts";
import { unmountBelow } from "../host/mounts.ts";
import { readProcess, signalProcess } from "../host/processes.ts";
import { removeTree } from "../host/volumes.ts";
import { readIoPid } from "../io/io-process.ts";
import type { KeptPod } from "./context.ts";

/** An io that has not seen the end of its pipes by then is told to drain and go. */
const IO_DRAIN_MS = 2000;

/** Ends and deletes all containers, with their mounts and io. Their exits are in the journal then, and their logs whole. */
export async function takeDownContainers(pod: KeptPod): Promise<void> {
  await thawPod(pod.plan.sandbox.cgroup, pod.facts);
  // The first process of a shared pid namespace takes everybody with it, so it goes last.
  const keepers = [...pod.containers.values()];
  for (const role of ["main", "pause"] as const) {
    await Promise.all(keepers.filter((keeper) => keeper.planned.role === role).map((keeper) => keeper.kill()));
  }
  // Nobody lives in the mounts any more, so they go while the runtime clears its state, unless that lies in one of them.
  const unmounting = pod.plan.sandbox.vault === undefined ? [unmountBelow(pod.plan.paths.dir)] : [];
  await Promise.all([...keepers.map((keeper) => keeper.delete()), endIo(pod), ...unmounting]);
}

async function endIo(pod: KeptPod): Promise<void> {
  await Promise.all(
    pod.plan.containers.map(async (container) => {
      pod.io.release(container);
      // No writer ever came, so it would wait for one for ever.
      if (pod.containers.get(container.name)?.state.status === "planned") return pod.io.endUnused(container);
      const pid = readIoPid(container.paths.ioLock);
      const startTime = pid === undefined ? undefined : readProcess(pid)?.startTime;
      if (pid === undefined || startTime === undefined) return;
      await pod.inbox.waitForEnd(pid, IO_DRAIN_MS);
      for (const signal of ["SIGTERM", "SIGKILL"] as const) {
        if (readProcess(pid)?.startTime !== startTime) return;
        signalProcess(pid, startTime, signal);
        await pod.inbox.waitForEnd(pid, IO_DRAIN_MS);
      }
    }),
  );
}

/** Mounts, namespaces and cgroups: all that would outlive the directory. */
export async function takeDownSandbox(pod: KeptPod): Promise<void> {
  await unmountBelow(pod.plan.paths.dir);
  await removePodCgroup(pod.plan.sandbox.cgroup, pod.facts);
}

/**
 * The pod's directory and logs, once nothing outside of them is left. The plan goes first: without it a restarted
 * supervisor knows that only files are to be removed, and asks no journal that may be gone. `exits` goes last: its
 * unlinking tells the reaper that the pod is over.
 */
export function removePodFiles(paths: PodPaths): void {
  rmSync(paths.plan, { force: true });
  removeTree(paths.logs);
  removeEmptyDir(dirname(paths.logs));
  // Two may be removing one pod at once: what the other took already is gone.
  for (const name of readNames(paths.dir)) {
    const path = `${paths.dir}/${name}`;
    if (path !== paths.exits) removeTree(path);
  }
  rmSync(paths.exits, { force: true });
  removeEmptyDir(paths.dir);
  removeEmptyDir(dirname(paths.dir));
  removeEmptyDir(dirname(dirname(paths.dir)));
}

/** The last pod takes the directories above it along; another pod may be making its own there at this moment. */
function removeEmptyDir(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno !== "ENOTEMPTY" && errno !== "ENOENT" && errno !== "EBUSY" && errno !== "EEXIST") throw error;
  }
}
