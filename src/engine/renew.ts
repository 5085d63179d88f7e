// What makes a container new again between two attempts: its root file system as the image has it, no output of the last
// one on its way any more, and old logs gone. What is so already stays as it is, so each may be called again.

import { rmSync } from "node:fs";
import { join } from "node:path";
import { readNames } from "../base/files.ts";
import { mountAll, unmountBelow } from "../host/mounts.ts";
import { readProcess, signalProcess } from "../host/processes.ts";
import { removeTree } from "../host/volumes.ts";
import { readIoPid } from "../io/io-process.ts";
import type { PlannedContainer } from "../plan/plan.ts";
import { mountsIn } from "../plan/stages.ts";
import type { PodContext } from "./context.ts";

/** An io that has not seen the end of its pipes by then is told to drain and go. */
const IO_DRAIN_MS = 2000;
const TTY_DRAIN_MS = 200;

/** What it wrote beside its volumes goes, as in Kubernetes. A root file system that is the container's own stays. */
export async function renewRootfs({ plan }: PodContext, { paths }: PlannedContainer): Promise<void> {
  const isOwn = (target: string) => target === paths.rootfs || target.startsWith(`${paths.imageVolumes}/`);
  const mounts = mountsIn(plan.stages).filter(({ target }) => isOwn(target));
  if (mounts.length === 0) return;
  // With those of an image of before.
  for (const dir of [paths.rootfs, paths.imageVolumes]) await unmountBelow(dir);
  for (const dir of [paths.upper, paths.work, paths.imageVolumes]) removeTree(dir);
  await mountAll(mounts);
}

/** Its last words are carried first, for a while. */
export async function endIo(pod: PodContext, container: PlannedContainer): Promise<void> {
  const pid = readIoPid(container.paths.ioLock);
  const startTime = pid === undefined ? undefined : readProcess(pid)?.startTime;
  if (pid === undefined || startTime === undefined) return;
  // A terminal that nobody has opened any more may have no end that io sees; told to go, it carries what is there first.
  await pod.inbox.waitForEnd(pid, container.stdio?.tty ? TTY_DRAIN_MS : IO_DRAIN_MS);
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    if (readProcess(pid)?.startTime !== startTime) return;
    signalProcess(pid, startTime, signal);
    await pod.inbox.waitForEnd(pid, IO_DRAIN_MS);
  }
}

/** `attempt` is the one that begins. */
export function removeOldLogs({ plan }: PodContext, { paths }: PlannedContainer, attempt: number): void {
  const oldest = attempt - plan.logAttempts + 1;
  if (oldest <= 0) return;
  for (const name of readNames(paths.logDir)) {
    const of = /^(\d+)\.log/.exec(name)?.[1];
    if (of !== undefined && Number(of) < oldest) rmSync(join(paths.logDir, name), { force: true });
  }
}
