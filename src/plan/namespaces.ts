// The namespace matrix: for each container and kind whose namespace it is, which of them must be pinned on files and
// who makes them. Every mix that the kernel or the runtime at hand cannot do is refused here, before it is called.

import { PeapodError } from "../base/errors.ts";
import type { ContainerName } from "../base/names.ts";
import { PAUSE } from "../base/names.ts";
import type { PodPaths } from "../base/paths.ts";
import type { HostFacts } from "../host/facts.ts";
import { TIME_OFFSETS } from "../manifest/annotations.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { parseTimeOffsets, refuse } from "./annotations.ts";
import { assertPossible } from "./impossible.ts";
import { type Found, makeOwners } from "./owners.ts";
import { makePinnedNamespace } from "./pins.ts";
import type { NamespaceKind, PinnedNamespace, PlannedNamespace, Reason, RuntimeChoice } from "./plan.ts";
import { NAMESPACE_KINDS } from "./plan.ts";
import { makeWantedScopes, mapKinds, type NetworkScope } from "./scopes.ts";
import { defaultReason } from "./where.ts";

export interface ContainerNamespaces {
  readonly namespaces: Readonly<Record<NamespaceKind, PlannedNamespace>>;
  readonly reasons: Readonly<Record<string, Reason>>;
}

export interface NamespaceMatrix {
  /** `_pause` among them where something shared needs a first process. */
  readonly containers: ReadonlyMap<ContainerName, ContainerNamespaces>;
  readonly pinned: readonly PinnedNamespace[];
}

/** @throws BAD_MANIFEST, NOT_SUPPORTED, HOST_LACKS; each names the annotation and its line */
export function makeNamespaces(
  manifest: Manifest,
  facts: HostFacts,
  runtime: RuntimeChoice,
  paths: PodPaths,
  hostname: string,
  network?: NetworkScope,
): NamespaceMatrix {
  const wanted = makeWantedScopes(manifest, facts, network);
  const offsets = parseTimeOffsets(manifest);
  const found = makeOwners(manifest, wanted);
  assertPossible({ manifest, facts, runtime, wanted, found, offsets });

  const pins = new Map<string, PinnedNamespace>();
  const pin = (kind: NamespaceKind, owner: "pod" | ContainerName): PinnedNamespace => {
    const made = makePinnedNamespace({ kind, owner, found, paths, hostname, offsets });
    pins.set(`${kind} ${owner}`, made);
    return made;
  };
  // First those that others join, so that their owners know that they are pinned.
  for (const scopes of found.values()) {
    for (const kind of NAMESPACE_KINDS) {
      const { scope } = scopes[kind];
      if (scope.scope === "pod") pin(kind, "pod");
      if (scope.scope === "container") pin(kind, scope.container);
    }
  }
  for (const [name, scopes] of found) {
    if (scopes.time.scope.scope === "private" && offsets !== undefined) pin("time", name);
  }
  const all = [...pins.values()];
  const containers = new Map<ContainerName, ContainerNamespaces>();
  if (all.some((one) => one.from === PAUSE)) containers.set(PAUSE, makePauseNamespaces(all, facts));
  for (const [name, scopes] of found) {
    containers.set(name, {
      namespaces: mapKinds((kind) => makePlanned(name, kind, scopes[kind], pins)),
      reasons: Object.fromEntries(NAMESPACE_KINDS.map((kind) => [`namespaces.${kind}`, scopes[kind].reason])),
    });
  }
  assertOffsetsUsed(manifest, all, offsets !== undefined);
  return { containers, pinned: all };
}

function makePlanned(
  name: ContainerName,
  kind: NamespaceKind,
  { scope }: Found,
  pins: ReadonlyMap<string, PinnedNamespace>,
): PlannedNamespace {
  switch (scope.scope) {
    case "host":
      return { scope: "host" };
    case "path":
      return { scope: "path", file: scope.file };
    case "pod":
      return { scope: "pod", file: fileOf(pins, kind, "pod") };
    case "container":
      return { scope: "container", container: scope.container, file: fileOf(pins, kind, scope.container) };
    case "private": {
      const own = pins.get(`${kind} ${name}`);
      if (own === undefined) return { scope: "private" };
      return { scope: "private", file: own.file, from: own.from === "new" ? "new" : "container" };
    }
  }
}

/** `_pause` is the pod's own first process: what the pod shares and cannot be made beforehand begins with it. */
function makePauseNamespaces(pins: readonly PinnedNamespace[], facts: HostFacts): ContainerNamespaces {
  const ofPod = (kind: NamespaceKind) => pins.find((one) => one.owner === "pod" && one.kind === kind);
  const namespaces = mapKinds((kind): PlannedNamespace => {
    const shared = ofPod(kind);
    if (shared?.from === PAUSE) return { scope: "private", file: shared.file, from: "container" };
    if (shared !== undefined) return { scope: "pod", file: shared.file };
    if (kind === "user" || kind === "time") return { scope: "host" };
    if (kind === "cgroup" && facts.cgroupLayout !== "v2") return { scope: "host" };
    return { scope: "private" };
  });
  const reason = defaultReason("first process of what the pod shares");
  return { namespaces, reasons: Object.fromEntries(NAMESPACE_KINDS.map((kind) => [`namespaces.${kind}`, reason])) };
}

function assertOffsetsUsed(manifest: Manifest, pins: readonly PinnedNamespace[], given: boolean): void {
  if (!given || pins.some((one) => one.kind === "time")) return;
  throw refuse(
    "BAD_MANIFEST",
    manifest,
    TIME_OFFSETS,
    "no container has a new time namespace that they could be set in",
    'ask for one, for instance with peapod/share: "+time"',
  );
}

function fileOf(pins: ReadonlyMap<string, PinnedNamespace>, kind: NamespaceKind, owner: string): string {
  const pin = pins.get(`${kind} ${owner}`);
  if (pin === undefined) throw new PeapodError("BUG", `namespace ${kind} of ${owner} is joined and not pinned`);
  return pin.file;
}
