// The mixes that cannot be, each with its true reason. All were tried on runc; see docs of each rule below.

import type { ContainerName } from "../base/names.ts";
import type { HostFacts } from "../host/facts.ts";
import { CONTAINER_NAMESPACES, SHARE, TIME_OFFSETS } from "../manifest/annotations.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { MNT_REASON, refuse, type TimeOffsets } from "./annotations.ts";
import { type Found, type FoundScopes, userNamespaceOf, userNamespaceOfPod } from "./owners.ts";
import type { NamespaceKind, RuntimeChoice } from "./plan.ts";
import { NAMESPACE_KINDS } from "./plan.ts";
import { knowsTimeNamespace } from "./runtime-abilities.ts";
import type { WantedScopes } from "./scopes.ts";

export interface MatrixInput {
  readonly manifest: Manifest;
  readonly facts: HostFacts;
  readonly runtime: RuntimeChoice;
  readonly wanted: ReadonlyMap<ContainerName, WantedScopes>;
  readonly found: ReadonlyMap<ContainerName, FoundScopes>;
  readonly offsets: TimeOffsets | undefined;
}

/** @throws BAD_MANIFEST, NOT_SUPPORTED, HOST_LACKS */
export function assertPossible(input: MatrixInput): void {
  for (const [name, wanted] of input.wanted) {
    assertOwnMount(input, name, wanted);
    const found = input.found.get(name) as FoundScopes;
    assertTime(input, name, found);
    assertUser(input, name, found);
    assertNotNamedPod(input, found);
  }
}

/** Where to point: the annotation that asked, or the container's own one if a default stands in the way. */
function annotationOf(name: ContainerName, ...asked: readonly Found[]): string {
  return asked.find((one) => one.annotation !== undefined)?.annotation ?? `${CONTAINER_NAMESPACES}${name}`;
}

function assertOwnMount({ manifest }: MatrixInput, name: ContainerName, wanted: WantedScopes): void {
  const { scope, annotation } = wanted.mnt;
  if (scope.scope === "private") return;
  throw refuse("NOT_SUPPORTED", manifest, annotation ?? `${CONTAINER_NAMESPACES}${name}`, MNT_REASON);
}

function assertTime(
  { manifest, facts, runtime, offsets, found }: MatrixInput,
  name: ContainerName,
  own: FoundScopes,
): void {
  const { scope } = own.time.scope;
  if (scope === "host") return;
  const annotation = annotationOf(name, own.time);
  if (!facts.hasTimeNamespaces) {
    throw refuse(
      "HOST_LACKS",
      manifest,
      annotation,
      `Linux ${facts.kernel} has no time namespaces`,
      "they need CONFIG_TIME_NS and Linux 5.6",
    );
  }
  if (!knowsTimeNamespace(runtime)) {
    const text = `${runtime.kind} ${runtime.version} does not know the time namespace`;
    throw refuse("NOT_SUPPORTED", manifest, annotation, text, "runc does from 1.2 on, crun from 0.13");
  }
  const owner = scope === "pod" ? userNamespaceOfPod(found) : userNamespaceOf(found, name);
  if (offsets !== undefined && owner !== "host" && (scope === "pod" || scope === "private")) {
    throw refuse(
      "NOT_SUPPORTED",
      manifest,
      TIME_OFFSETS,
      `container ${name} is in a user namespace: offsets are set before it is made`,
    );
  }
}

function assertUser({ manifest, found }: MatrixInput, name: ContainerName, own: FoundScopes): void {
  const annotation = annotationOf(name, own.user);
  if (own.user.scope.scope === "path") {
    const text = `user: container ${name} cannot join a user namespace by path: the runtime wants its id mapping told beforehand`;
    throw refuse("NOT_SUPPORTED", manifest, annotation, text, "use user=private, user=pod or user=container:NAME");
  }
  const user = userNamespaceOf(found, name);
  if (user === "host") return;
  for (const kind of NAMESPACE_KINDS) {
    if (kind === "user") continue;
    const other = ownerOf(found, own[kind]);
    if (other === undefined || other === user) continue;
    const text = `container ${name}: ${kind}: setns(2) lets a process in a user namespace join only what belongs to it, and ${describe(kind, own[kind])} does not`;
    throw refuse("NOT_SUPPORTED", manifest, annotation, text, hintFor(kind, name));
  }
}

/** The user namespace of a namespace that is joined; undefined for one that is not joined by setns. */
function ownerOf(found: ReadonlyMap<ContainerName, FoundScopes>, { scope }: Found): string | undefined {
  switch (scope.scope) {
    case "private":
    case "host":
      return undefined;
    case "pod":
      return userNamespaceOfPod(found);
    case "container":
      return userNamespaceOf(found, scope.container);
    case "path":
      return `unknown ${scope.file}`;
  }
}

function describe(kind: NamespaceKind, { scope }: Found): string {
  switch (scope.scope) {
    case "container":
      return `that of container ${scope.container}`;
    case "path":
      return `that of ${scope.file}`;
    default:
      return `the pod's ${kind} namespace`;
  }
}

function hintFor(kind: NamespaceKind, name: ContainerName): string {
  return `set ${CONTAINER_NAMESPACES}${name}: "${kind}=private,...", or share one user namespace in the pod with ${SHARE}: "+user"`;
}

/** Pins are filed under their owner's name, and `pod` is the pod's. */
function assertNotNamedPod({ manifest }: MatrixInput, own: FoundScopes): void {
  for (const kind of NAMESPACE_KINDS) {
    const { scope, annotation } = own[kind];
    if (scope.scope !== "container" || scope.container !== "pod") continue;
    throw refuse(
      "BAD_MANIFEST",
      manifest,
      annotation ?? SHARE,
      "a container named pod cannot lend its namespaces",
      "give it another name",
    );
  }
}
