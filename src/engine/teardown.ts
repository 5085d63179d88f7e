// Takes a pod down to nothing, in the reverse order of its plan. Serves `delete`, a create that failed half-way, and
// doctor's clean-up: each part asks what is there, so it may begin from any state and may be called again.

import { rmdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { errnoOf } from "../base/errors.ts";
import { readNames } from "../base/files.ts";
import { checkpointDir, type PodPaths } from "../base/paths.ts";
import { removePodCgroup, thawPod } from "../host/cgroups/cgroups.ts";
import { unmountBelow } from "../host/mounts.ts";
import { removeTree } from "../host/volumes.ts";
import type { ContainerKeeper } from "./container-keeper.ts";
import type { KeptPod } from "./context.ts";
import { endIo } from "./renew.ts";

/** `isStrict`: a network that cannot be left is an error. Ends and deletes all containers, with their mounts and io. Their exits are in the journal then, and their logs whole. */
export async function takeDownContainers(pod: KeptPod, isStrict: boolean): Promise<void> {
  const { networks, vault } = pod.plan.sandbox;
  // Plugins wait for the kernel more than they work, so they begin at once; nobody in there has long to live.
  const detaching = networks === undefined ? [] : [detach(pod, isStrict)];
  for (const one of detaching) one.catch(() => undefined);
  await thawPod(pod.plan.sandbox.cgroup, pod.facts);
  // The first process of a shared pid namespace takes everybody with it, so it goes last.
  const keepers = [...pod.containers.values()];
  const isPause = (keeper: ContainerKeeper) => keeper.planned.role === "pause";
  // It holds the network namespace, which would be busy.
  const ending = pod.uplink?.end();
  await Promise.all(keepers.filter((keeper) => !isPause(keeper)).map((keeper) => keeper.kill()));
  await Promise.all(keepers.filter(isPause).map((keeper) => keeper.kill()));
  await ending;
  // Nobody lives in the mounts any more, so they go while the runtime clears its state, unless that lies in one of them.
  // Plugins need the network namespace, which is a mount as well.
  const isPinOfNetwork = (path: string) => networks?.some(({ netns }) => netns === path) ?? false;
  const unmounting = vault === undefined ? [unmountBelow(pod.plan.paths.dir, isPinOfNetwork)] : [];
  const ends = await Promise.allSettled([
    ...keepers.map((keeper) => keeper.delete()),
    endAllIo(pod),
    ...unmounting,
    ...detaching,
  ]);
  const failed = ends.find((end) => end.status === "rejected");
  if (failed) throw failed.reason;
}

/** What a plugin cannot take back now it can perhaps later: `doctor` asks again. */
async function detach(pod: KeptPod, isStrict: boolean): Promise<void> {
  try {
    await (await import("./networks/pod-networks.ts")).detachNetworks(pod.plan);
  } catch (error) {
    if (isStrict) throw error;
    pod.report(error, "a network could not be left; peapod doctor --fix tries again");
  }
}

async function endAllIo(pod: KeptPod): Promise<void> {
  await Promise.all(
    pod.plan.containers.map(async (container) => {
      pod.io.release(container);
      // No writer ever came, so it would wait for one for ever.
      const status = pod.containers.get(container.name)?.state.status;
      // A terminal that was not handed over has no end either.
      const isUnused = status === "planned" || (status === "creating" && container.stdio?.tty);
      if (isUnused) return pod.io.endUnused(container);
      await endIo(pod, container);
    }),
  );
}

/** Mounts, namespaces and cgroups: all that would outlive the directory. */
export async function takeDownSandbox(pod: KeptPod): Promise<void> {
  await unmountBelow(pod.plan.paths.dir);
  await removePodCgroup(pod.plan.sandbox.cgroup, pod.facts);
  const { idsFile, ports } = pod.plan.sandbox;
  if (ports !== undefined) (await import("./networks/port-claims.ts")).giveBackPorts(ports);
  if (idsFile !== undefined) (await import("../host/claims.ts")).giveBack(idsFile);
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
  removeTree(checkpointDir(paths));
  removeEmptyDir(dirname(checkpointDir(paths)));
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
    // A link, as a user's logs are, stays where it is.
    if (!["ENOTEMPTY", "ENOENT", "EBUSY", "EEXIST", "ENOTDIR"].includes(errno ?? "")) throw error;
  }
}
