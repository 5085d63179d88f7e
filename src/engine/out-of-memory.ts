// Whether the kernel's out-of-memory killer ended a container. Usually its own cgroup tells, which is there until the
// runtime deletes it. systemd takes a scope's away with its last process, before anybody can ask: then the pod's slice
// is asked, which on version 2 has counted it along. What had been counted before is noted in the pod's directory.

import { join } from "node:path";
import { readTextIfAny, writeFileAtomic } from "../base/files.ts";
import { type Exit, shellStatus } from "../exits/exit.ts";
import { readOomKills } from "../host/cgroups/oom-kills.ts";
import type { PlannedContainer } from "../plan/plan.ts";
import type { PodContext } from "./context.ts";

export interface OomVerdict {
  readonly isOutOfMemory: boolean;
  /** To be called when the exit stands in the journal: the same kill is nobody else's. */
  readonly note: () => void;
}

const NOTHING = () => undefined;

/** Of a container that has ended just now. Its cgroup is its attempt's own. */
export function judgeExit({ plan, facts }: PodContext, { cgroupPath }: PlannedContainer, exit: Exit): OomVerdict {
  const isWell = exit.kind === "exited" && exit.code === 0;
  const own = isWell ? 0 : readOomKills(cgroupPath, facts);
  if (own !== undefined) return { isOutOfMemory: own > 0, note: NOTHING };
  const { cgroup } = plan.sandbox;
  // The slice does not say whose kill it was; whom the kernel killed has ended so.
  if (cgroup.driver !== "systemd" || !isKill(exit)) return { isOutOfMemory: false, note: NOTHING };
  const file = join(plan.paths.dir, "oom-kills");
  const known = Number(readTextIfAny(file) ?? 0);
  const now = readOomKills(cgroup.path, facts) ?? 0;
  return { isOutOfMemory: now > known, note: () => writeFileAtomic(file, String(now), 0o600) };
}

/** 137: the container's shell tells of its child's end in this way. */
function isKill(exit: Exit): boolean {
  return shellStatus(exit) === 137;
}
