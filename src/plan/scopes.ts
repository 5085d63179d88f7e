// Whose namespaces each container shall have: Kubernetes' defaults, then its fields, then our annotations, the finer
// one last. Says what is wanted; whether it can be is for namespaces.ts.

import type { ContainerName } from "../base/names.ts";
import type { HostFacts } from "../host/facts.ts";
import { CONTAINER_NAMESPACES, SHARE } from "../manifest/annotations.ts";
import type { Manifest } from "../manifest/manifest.ts";
import type { Scope, Share } from "./annotations.ts";
import { annotationPointer, parseContainerScopes, parseShare, refuse } from "./annotations.ts";
import type { NamespaceKind, Reason } from "./plan.ts";
import { NAMESPACE_KINDS } from "./plan.ts";
import { defaultReason, manifestReason, reasonFor } from "./where.ts";

export interface Wanted {
  readonly scope: Scope;
  readonly reason: Reason;
  /** The annotation that asked for it, for errors that name its line; without one it is a field or a default. */
  readonly annotation?: string;
}

export type WantedScopes = Readonly<Record<NamespaceKind, Wanted>>;

/** Whose network the pod has, where that was said beside the fields of the manifest. */
export interface NetworkScope {
  readonly scope: Exclude<Scope, { scope: "container" }>;
  readonly reason: Reason;
}

/** @throws BAD_MANIFEST where annotation and field contradict each other, NOT_SUPPORTED for a shared mount namespace */
export function makeWantedScopes(
  manifest: Manifest,
  facts: HostFacts,
  network?: NetworkScope,
): ReadonlyMap<ContainerName, WantedScopes> {
  const ofPod = makePodScopes(manifest, facts, network);
  return new Map(
    manifest.spec.containers.map(({ name }) => {
      const annotation = `${CONTAINER_NAMESPACES}${name}`;
      const reason = manifestReason(manifest, annotationPointer(annotation));
      const own = parseContainerScopes(manifest, name);
      const scopes = mapKinds((kind): Wanted => {
        const scope = own.get(kind);
        return scope === undefined ? ofPod[kind] : { scope, reason, annotation };
      });
      return [name, scopes];
    }),
  );
}

export function mapKinds<T>(make: (kind: NamespaceKind) => T): Record<NamespaceKind, T> {
  return Object.fromEntries(NAMESPACE_KINDS.map((kind) => [kind, make(kind)])) as Record<NamespaceKind, T>;
}

function makePodScopes(manifest: Manifest, facts: HostFacts, network: NetworkScope | undefined): WantedScopes {
  const byField = { ...makeFieldScopes(manifest, facts), ...(network === undefined ? {} : { net: network }) };
  const share = parseShare(manifest);
  if (share === undefined) return byField;
  assertNoContradiction(manifest, share);
  const reason = manifestReason(manifest, annotationPointer(SHARE));
  return mapKinds((kind): Wanted => {
    if (share.add.has(kind)) return { scope: { scope: "pod" }, reason, annotation: SHARE };
    const takenAway = share.remove.has(kind) || share.replaces;
    if (takenAway && byField[kind].scope.scope === "pod") {
      return { scope: { scope: "private" }, reason, annotation: SHARE };
    }
    return byField[kind];
  });
}

function makeFieldScopes(manifest: Manifest, facts: HostFacts): WantedScopes {
  const { hostNetwork, hostPID, hostIPC, shareProcessNamespace, hostUsers } = manifest.spec;
  const field = (name: string, scope: "pod" | "host", why?: string): Wanted => ({
    scope: { scope },
    reason: { ...manifestReason(manifest, `/spec/${name}`), ...(why === undefined ? {} : { where: why }) },
  });
  const usual = (scope: "pod" | "private" | "host", whose = "Kubernetes default"): Wanted => ({
    scope: { scope },
    reason: defaultReason(whose),
  });
  return {
    net: hostNetwork ? field("hostNetwork", "host") : usual("pod"),
    ipc: hostIPC ? field("hostIPC", "host") : usual("pod"),
    // As every CRI runtime does: a pod in the host's network bears the host's name.
    uts: hostNetwork ? field("hostNetwork", "host") : usual("pod"),
    pid: hostPID
      ? field("hostPID", "host")
      : shareProcessNamespace
        ? field("shareProcessNamespace", "pod")
        : usual("private"),
    user: hostUsers
      ? {
          scope: { scope: "host" },
          reason: reasonFor(manifest, "/spec/hostUsers", "Kubernetes default (hostUsers: true)"),
        }
      : field("hostUsers", "pod"),
    // containerd, podman and Docker alike: a cgroup namespace on v2 only, since on v1 the runtime binds the container's own part.
    cgroup:
      facts.cgroupLayout === "v2"
        ? usual("private", "containerd's and podman's default on cgroup v2")
        : usual("host", "containerd's and podman's default on cgroup v1"),
    time: usual("host", "containerd's and podman's default"),
    mnt: usual("private", "always, each container has its own root file system"),
  };
}

function assertNoContradiction(manifest: Manifest, share: Share): void {
  const { hostNetwork, hostPID, hostIPC, shareProcessNamespace, hostUsers } = manifest.spec;
  const hosts: [boolean, NamespaceKind, string][] = [
    [hostNetwork, "net", "hostNetwork"],
    [hostPID, "pid", "hostPID"],
    [hostIPC, "ipc", "hostIPC"],
  ];
  for (const [set, kind, field] of hosts) {
    if (!set) continue;
    if (share.add.has(kind)) {
      throw refuse(
        "BAD_MANIFEST",
        manifest,
        SHARE,
        `${kind} cannot be the pod's while spec.${field} makes it the host's`,
      );
    }
    if (share.remove.has(kind)) {
      throw refuse(
        "BAD_MANIFEST",
        manifest,
        SHARE,
        `${kind} cannot be private while spec.${field} makes it the host's`,
      );
    }
  }
  const unshared = share.remove.has("pid") || (share.replaces && !share.add.has("pid"));
  if (shareProcessNamespace && unshared) {
    throw refuse("BAD_MANIFEST", manifest, SHARE, "does not share pid while spec.shareProcessNamespace does");
  }
  if (!hostUsers && (share.remove.has("user") || (share.replaces && !share.add.has("user")))) {
    throw refuse("BAD_MANIFEST", manifest, SHARE, "does not share user while spec.hostUsers: false does");
  }
}
