// Pods that no supervisor can take down any more: their plan is gone, or the machine crashed under them.

import { join } from "node:path";
import type { PodPaths } from "../../base/paths.ts";
import { killCgroup, removePodCgroup } from "../../host/cgroups/cgroups.ts";
import { killPod } from "../../host/cgroups/population.ts";
import { giveBack } from "../../host/claims.ts";
import { unmountBelow } from "../../host/mounts.ts";
import { readHostFacts } from "../../host/read-facts.ts";
import { endUplink } from "../../host/uplink.ts";
import { makePossibleCgroups } from "../../plan/cgroups.ts";
import { removePodFiles } from "../teardown.ts";
import { readCgroupOfUsers } from "../users-cgroup.ts";

/** Ends every process of the pod and takes away cgroup, mounts and files. */
export async function removeRuins(paths: PodPaths, root: string): Promise<void> {
  const facts = readHostFacts();
  // The plan, which would name one, may be what is gone.
  const cgroups = facts.user === undefined ? makePossibleCgroups(root, paths.pod) : readCgroupOfUsers(paths);
  if (facts.user !== undefined) {
    await endUplink(join(paths.dir, "uplink"));
    await killPod(paths);
  }
  for (const { path } of cgroups) await killCgroup(path, facts);
  await giveBackClaims(paths);
  await unmountBelow(paths.dir);
  for (const cgroup of cgroups) await removePodCgroup(cgroup, facts);
  removePodFiles(paths);
}

/** What it has of the machine's networks and ports. Plugins that fail leave their record, for the next time. */
export async function giveBackClaims(paths: PodPaths): Promise<void> {
  const { leaveNetworks } = await import("../networks/pod-networks.ts");
  await leaveNetworks(join(paths.namespaces, "pod-net"));
  const { readPortClaims } = await import("../networks/port-claims.ts");
  for (const { file } of readPortClaims(paths.dir)) giveBack(file);
}
