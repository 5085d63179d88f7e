// Programs that a supervisor before us started outlive it. The next one waits for them before it looks at what they did:
// half a call looks like none, or like a whole one.

import type { ExitInbox } from "../exits/inbox.ts";
import { isProcessGone } from "../exits/process-gone.ts";
import { readNamespaceId } from "../host/namespace-ids.ts";
import { readCgroupLines, readCommandLine, readPids, readProcess } from "../host/processes.ts";
import { readEnvironment } from "../host/tools-of.ts";
import { isUplinkOf } from "../host/uplink.ts";
import type { Plan } from "../plan/plan.ts";

/** Past this a call that does not end is left alone; the runtime's own deadline is shorter. */
const ORPHAN_MS = 65_000;
/** What writes or reads all memory of a container. */
const LONG_ORPHAN_MS = 605_000;
const SLICE_MS = 100;
const IO_NAME = "peapod-io";
const REAPER_NAME = "peapod-reaper";

/** Resolves when no call on this pod, made by a supervisor before us, runs any more. */
export async function waitForOrphanedCalls(plan: Plan, inbox: Pick<ExitInbox, "waitForEnd">): Promise<void> {
  await Promise.all(readOrphanedCalls(plan).map((pid) => waitForCall(pid, plan, inbox)));
}

async function waitForCall(pid: number, { sandbox }: Plan, inbox: Pick<ExitInbox, "waitForEnd">): Promise<void> {
  const patienceMs = patienceFor(pid);
  if (sandbox.uplink === undefined) return inbox.waitForEnd(pid, patienceMs);
  // One that was looked at between fork and exec becomes the uplink, which does not end.
  const { dir } = sandbox.uplink;
  for (const end = Date.now() + patienceMs; !isProcessGone(pid) && !isUplinkOf(pid, dir) && Date.now() < end; )
    await inbox.waitForEnd(pid, SLICE_MS);
}

function patienceFor(pid: number): number {
  const words = readCommandLine(pid) ?? [];
  return words.includes("checkpoint") || words.includes("restore") ? LONG_ORPHAN_MS : ORPHAN_MS;
}

function readOrphanedCalls(plan: Plan): number[] {
  // Whoever was not started by the pod's reaper has siblings that are none of its business.
  const hasReaper = readProcess(process.ppid)?.comm === REAPER_NAME;
  return readPids().filter(
    (pid) => pid !== process.pid && (isRuntimeCall(pid, plan) || (hasReaper && isOrphanedTool(pid, plan))),
  );
}

/** Whoever its parent is: with the reaper dead, what it would have adopted went to somebody else. */
function isRuntimeCall(pid: number, { runtime, paths }: Plan): boolean {
  const words = readCommandLine(pid) ?? [];
  // `exec` runs as long as its user likes, and changes nothing that we look at.
  return words[0] === runtime.path && words.includes(paths.runtimeRoot) && !words.includes("exec");
}

/** Siblings of ours that are neither io nor uplink, nor in a container: mount, unshare and the like. */
function isOrphanedTool(pid: number, { sandbox, runtime }: Plan): boolean {
  const found = readProcess(pid);
  if (found === undefined || found.ppid !== process.ppid || found.state === "Z" || found.comm === IO_NAME) return false;
  if (readCommandLine(pid)?.[0] === runtime.path) return false;
  // pod-networks.ts waits for plugins, as long as they may take.
  if (sandbox.networks !== undefined && readEnvironment(pid).some((pair) => pair.startsWith("CNI_COMMAND=")))
    return false;
  if (sandbox.uplink !== undefined && isUplinkOf(pid, sandbox.uplink.dir)) return false;
  // Without a cgroup: a container has mounts of its own, and a tool has ours.
  if (sandbox.cgroup.driver === "none") return readNamespaceId(pid, "mnt") === readNamespaceId("self", "mnt");
  return !(readCgroupLines(pid) ?? []).some(({ path }) => isBelow(path, sandbox.cgroup.path));
}

function isBelow(path: string, top: string): boolean {
  return path === top || path.startsWith(`${top}/`);
}
