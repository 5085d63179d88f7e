// /dev/shm goes with the ipc namespace: who shares the one shares the other, or shm_open(3) and System V shared
// memory would disagree about who is a neighbour.

import { join } from "node:path";
import type { ContainerName } from "../base/names.ts";
import type { PodPaths } from "../base/paths.ts";
import type { HostMount, PinnedNamespace, PlannedMount, PlannedNamespace, SharedMemory } from "./plan.ts";

/** What containerd, podman and Docker all give. */
const SIZE_BYTES = 64 * 1024 * 1024;
const OPTIONS = ["nosuid", "noexec", "nodev"];

/** One tmpfs for each ipc namespace that more than one container can be in. */
export function makeSharedMemory(pinned: readonly PinnedNamespace[], paths: PodPaths): SharedMemory[] {
  return pinned
    .filter((one) => one.kind === "ipc")
    .map(({ owner }) => ({ owner, path: join(paths.sharedMemory, owner), sizeBytes: SIZE_BYTES }));
}

export function makeSharedMemoryMounts(all: readonly SharedMemory[]): HostMount[] {
  return all.map(({ path, sizeBytes }) => ({
    target: path,
    type: "tmpfs",
    source: "shm",
    options: [...OPTIONS, "mode=1777", `size=${sizeBytes}`],
    directories: [{ path, mode: 0o700 }],
  }));
}

/** The /dev/shm of one container. A foreign ipc namespace (by path) has no tmpfs that we could find: it gets its own. */
export function makeShmMount(name: ContainerName, ipc: PlannedNamespace, all: readonly SharedMemory[]): PlannedMount {
  const bind = (source: string): PlannedMount => ({
    destination: "/dev/shm",
    type: "bind",
    source,
    options: ["rbind", "rprivate", ...OPTIONS, "rw"],
  });
  if (ipc.scope === "host") return bind("/dev/shm");
  const owner = ipc.scope === "pod" ? "pod" : ipc.scope === "container" ? ipc.container : name;
  const shared = ipc.scope === "path" ? undefined : all.find((one) => one.owner === owner);
  if (shared !== undefined) return bind(shared.path);
  const options = [...OPTIONS, "mode=1777", `size=${SIZE_BYTES}`];
  return { destination: "/dev/shm", type: "tmpfs", source: "shm", options };
}
