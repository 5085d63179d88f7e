// One pinned namespace: who makes it, and on which file it is kept.

import { join } from "node:path";
import type { ContainerName } from "../base/names.ts";
import { PAUSE } from "../base/names.ts";
import type { PodPaths } from "../base/paths.ts";
import type { TimeOffsets } from "./annotations.ts";
import { type FoundScopes, userNamespaceOf, userNamespaceOfPod } from "./owners.ts";
import type { NamespaceKind, PinnedNamespace } from "./plan.ts";

export interface PinInput {
  readonly kind: NamespaceKind;
  readonly owner: "pod" | ContainerName;
  readonly found: ReadonlyMap<ContainerName, FoundScopes>;
  readonly paths: PodPaths;
  readonly hostname: string;
  readonly offsets: TimeOffsets | undefined;
}

/**
 * unshare(1) can make net, ipc, uts and time ahead of any container. A pid namespace lives only with its first
 * process, a cgroup namespace has its maker's cgroup for root, and a user namespace's ids are mapped by the runtime:
 * these come from a container, and so does everything that belongs to such a user namespace.
 */
export function makePinnedNamespace({ kind, owner, found, paths, hostname, offsets }: PinInput): PinnedNamespace {
  const user = owner === "pod" ? userNamespaceOfPod(found) : userNamespaceOf(found, owner);
  const ahead = user === "host" && (kind === "net" || kind === "ipc" || kind === "uts" || kind === "time");
  return {
    kind,
    owner,
    file: join(paths.namespaces, `${owner}-${kind}`),
    from: ahead ? "new" : owner === "pod" ? PAUSE : owner,
    ...(ahead && kind === "uts" ? { hostname } : {}),
    ...(ahead && kind === "time" && offsets !== undefined ? { offsets } : {}),
  };
}

/** It begins with a container's first process. A container may be called `new`; these kinds cannot be made ahead. */
export function isLent({ kind, from }: PinnedNamespace): boolean {
  return from !== "new" || kind === "pid" || kind === "user" || kind === "cgroup";
}
