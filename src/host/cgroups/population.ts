// Who is in a container, and their end. Its cgroup knows; where there is none (a user's pod without delegation), whose root
// file system is the container's own: an overlay is a device of its own, whoever forked, daemonised or was called in.

import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { errnoOf, PeapodError } from "../../base/errors.ts";
import { readNames } from "../../base/files.ts";
import type { PodPaths } from "../../base/paths.ts";
import type { NamespaceKind } from "../../plan/plan.ts";
import { readMountTableOf } from "../mount-table.ts";
import { readNamespaceIds, readPinnedId } from "../namespace-ids.ts";
import { readPids, readProcess, signalProcess } from "../processes.ts";
import { type CgroupFacts, killCgroup, listCgroupPids } from "./cgroups.ts";

/** What of a planned container matters here. */
export interface Dwelling {
  readonly cgroupPath: string;
  /** Mount point of its overlay. */
  readonly paths: { readonly rootfs: string };
}

export interface FirstProcess {
  readonly pid?: number | undefined;
  readonly startTime?: number | undefined;
}

const UPPER = "upperdir=";
const KILL_MS = 10_000;
const LONGEST_PAUSE_MS = 20;

/** False where no cgroup can be made: then nothing is limited, frozen or counted either. */
export function hasCgroups({ cgroupMounts }: CgroupFacts): boolean {
  return Object.keys(cgroupMounts).length > 0;
}

/** Ascending. */
export function listContainerPids({ cgroupPath, paths }: Dwelling, facts: CgroupFacts): readonly number[] {
  return hasCgroups(facts) ? listCgroupPids(cgroupPath, facts) : listPidsByRoot(paths.rootfs);
}

/**
 * SIGKILL to all processes in it, until there are none. `first`: its first process, which somebody may have moved out of its
 * cgroup, and which is in no mount of its own where it is a shared pid namespace's.
 * @throws TIMED_OUT where one does not go; `detail.pids` names them
 */
export async function killContainer(dwelling: Dwelling, facts: CgroupFacts, first: FirstProcess = {}): Promise<void> {
  const { pid, startTime } = first;
  if (pid !== undefined && startTime !== undefined) signalProcess(pid, startTime, "SIGKILL");
  if (hasCgroups(facts)) return killCgroup(dwelling.cgroupPath, facts);
  await killAll(dwelling.paths.rootfs, () => listPidsByRoot(dwelling.paths.rootfs));
}

/** Processes whose root is that mount, ascending. */
export function listPidsByRoot(rootfs: string): readonly number[] {
  const device = deviceOf(rootfs);
  // What is no mount of its own has the device of everything around it.
  const isMounted = device !== undefined && device !== deviceOf(dirname(rootfs));
  if (isMounted) return readPids().filter((pid) => deviceOf(`/proc/${pid}/root/`) === device);
  // Not yet, not any more, or not here: our mounts are lost where everybody was killed but the containers, see rootless.c.
  const upper = join(dirname(rootfs), "upper");
  return readOverlays().flatMap((one) => (one.upper === upper ? [one.pid] : []));
}

/** Of each process whose root is an overlay, as its own mount table has it: the directory that takes what is written. */
export function readOverlays(): readonly { readonly pid: number; readonly upper: string }[] {
  return readPids().flatMap((pid) => {
    const root = readMountTableOf(pid).find(({ target, type }) => target === "/" && type === "overlay");
    const option = root?.superOptions.find((one) => one.startsWith(UPPER));
    return option === undefined ? [] : [{ pid, upper: option.slice(UPPER.length) }];
  });
}

/**
 * Of a pod of which nothing is known but what lies in its directory: in its containers' mounts, and in the namespaces that
 * it pinned, where the first process of a shared pid namespace is too.
 */
export function listPidsOfPod({ bundles, namespaces }: Pick<PodPaths, "bundles" | "namespaces">): readonly number[] {
  const inside = readNames(bundles).flatMap((name) => listPidsByRoot(join(bundles, name, "rootfs")));
  const pinned = new Set(readNames(namespaces).flatMap((name) => readPinnedId(join(namespaces, name)) ?? []));
  const own = readNamespaceIds("self");
  const joined = readPids().filter((pid) =>
    Object.entries(readNamespaceIds(pid)).some(
      ([kind, id]) => id !== undefined && pinned.has(id) && own[kind as NamespaceKind] !== id,
    ),
  );
  return [...new Set([...inside, ...joined])].sort((a, b) => a - b);
}

export async function killPod(paths: Pick<PodPaths, "bundles" | "namespaces">): Promise<void> {
  await killAll(paths.bundles, () => listPidsOfPod(paths));
}

async function killAll(what: string, list: () => readonly number[]): Promise<void> {
  const deadline = Date.now() + KILL_MS;
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    const pids = list();
    if (pids.length === 0) return;
    if (Date.now() > deadline) {
      throw new PeapodError("TIMED_OUT", `${what}: processes ${pids.join(", ")} in it do not end`, {
        detail: { pids },
      });
    }
    const known = pids.map((pid) => ({ pid, startTime: readProcess(pid)?.startTime }));
    // Looked at once more between learning its start time and the signal: a pid may have a new owner.
    const still = new Set(list());
    for (const { pid, startTime } of known)
      if (startTime !== undefined && still.has(pid)) signalProcess(pid, startTime, "SIGKILL");
    await sleep(pauseMs);
  }
}

/** Undefined for what is not there, and for processes that are not ours to look at. */
function deviceOf(path: string): number | undefined {
  try {
    return statSync(path).dev;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT" || errno === "ESRCH" || errno === "EACCES" || errno === "EPERM") return undefined;
    throw error;
  }
}
