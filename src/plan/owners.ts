// Follows `container:NAME` to the namespace that is really meant, and tells in whose user namespace each one lies:
// a process in a user namespace may only join what belongs to it (setns(2)), and `runtime exec` joins again.

import type { ContainerName } from "../base/names.ts";
import { CONTAINER_NAMESPACES } from "../manifest/annotations.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { refuse, type Scope } from "./annotations.ts";
import type { NamespaceKind, Reason } from "./plan.ts";
import { mapKinds, type Wanted, type WantedScopes } from "./scopes.ts";

export interface Found {
  /** `container` only where that container's is private: a chain has been followed to its end. */
  readonly scope: Scope;
  readonly reason: Reason;
  readonly annotation?: string;
}

export type FoundScopes = Readonly<Record<NamespaceKind, Found>>;

/** @throws BAD_MANIFEST for containers that join each other in a ring */
export function makeOwners(
  manifest: Manifest,
  wanted: ReadonlyMap<ContainerName, WantedScopes>,
): ReadonlyMap<ContainerName, FoundScopes> {
  return new Map([...wanted].map(([name]) => [name, mapKinds((kind) => follow(manifest, wanted, name, kind))]));
}

function follow(
  manifest: Manifest,
  wanted: ReadonlyMap<ContainerName, WantedScopes>,
  name: ContainerName,
  kind: NamespaceKind,
): Found {
  const first = (wanted.get(name) as WantedScopes)[kind];
  const way = [name];
  let at: Wanted = first;
  while (at.scope.scope === "container") {
    const next = at.scope.container;
    if (way.includes(next)) {
      throw refuse(
        "BAD_MANIFEST",
        manifest,
        `${CONTAINER_NAMESPACES}${name}`,
        `${kind}: ${[...way, next].join(" joins ")}: a ring`,
      );
    }
    way.push(next);
    at = (wanted.get(next) as WantedScopes)[kind];
  }
  const last = way.at(-1) as ContainerName;
  const scope: Scope =
    at.scope.scope === "private" && last !== name ? { scope: "container", container: last } : at.scope;
  return { scope, reason: first.reason, ...(first.annotation === undefined ? {} : { annotation: first.annotation }) };
}

/** Names the user namespace that something lies in; equal names, same namespace. */
export type UserNamespaceKey = "host" | "pod" | `of ${ContainerName}`;

/** The user namespace that a container's processes are in. */
export function userNamespaceOf(found: ReadonlyMap<ContainerName, FoundScopes>, name: ContainerName): UserNamespaceKey {
  const scope = found.get(name)?.user.scope;
  switch (scope?.scope) {
    case "pod":
      return "pod";
    case "private":
      return `of ${name}`;
    case "container":
      return `of ${scope.container}`;
    default:
      return "host";
  }
}

/** The user namespace that owns what the pod shares. */
export function userNamespaceOfPod(found: ReadonlyMap<ContainerName, FoundScopes>): UserNamespaceKey {
  return [...found.values()].some((scopes) => scopes.user.scope.scope === "pod") ? "pod" : "host";
}
