// Kernel parameters of the pod, each written once into the namespace that has it: by unshare(1)'s script where the
// namespace is made beforehand, by the runtime where it makes it for a container. Who joins finds them set.

import { PeapodError } from "../base/errors.ts";
import { namespaceOfSysctl } from "../manifest/check-security.ts";
import type { Manifest, Sysctl } from "../manifest/manifest.ts";
import type { NamespaceKind, PinnedNamespace, PlannedNamespace } from "./plan.ts";
import { makePlace, makePointer } from "./where.ts";

/** By name, in the manifest's order. */
export type Sysctls = Readonly<Record<string, string>>;

/** What the runtime sets for a container: parameters of namespaces that it makes for it. Undefined: none. */
export function makeContainerSysctls(
  manifest: Manifest,
  namespaces: Readonly<Record<NamespaceKind, PlannedNamespace>>,
): Sysctls | undefined {
  return pick(manifest, (kind) => {
    const own = namespaces[kind];
    return own.scope === "private" && own.from !== "new";
  });
}

export function withSysctls(manifest: Manifest, pins: readonly PinnedNamespace[]): readonly PinnedNamespace[] {
  if (manifest.spec.securityContext.sysctls.length === 0) return pins;
  return pins.map((pin) => {
    const sysctls = pin.from === "new" ? pick(manifest, (kind) => kind === pin.kind) : undefined;
    return sysctls === undefined ? pin : { ...pin, sysctls };
  });
}

function pick(manifest: Manifest, has: (kind: "net" | "ipc" | "uts") => boolean): Sysctls | undefined {
  const found = manifest.spec.securityContext.sysctls.filter(({ name }) => has(kindOf({ name })));
  if (found.length === 0) return undefined;
  return Object.fromEntries(found.map(({ name, value }) => [name, value]));
}

/**
 * @param all namespaces of every container
 * @throws BAD_MANIFEST for a parameter of a namespace that no container has: it would be the host's
 */
export function assertSysctls(
  manifest: Manifest,
  all: readonly Readonly<Record<NamespaceKind, PlannedNamespace>>[],
): void {
  manifest.spec.securityContext.sysctls.forEach((sysctl, index) => {
    const kind = kindOf(sysctl);
    const isOurs = all.some((one) => one[kind].scope === "pod" || one[kind].scope === "private");
    if (isOurs) return;
    const place = makePlace(manifest.source, makePointer("spec", "securityContext", "sysctls", index));
    const text = `sysctl ${sysctl.name}: the pod has no ${kind} namespace of its own, it would change the host's (${place})`;
    throw new PeapodError("BAD_MANIFEST", text, { hint: "sysctl(8) on the host sets it for all" });
  });
}

function kindOf({ name }: Pick<Sysctl, "name">): "net" | "ipc" | "uts" {
  const kind = namespaceOfSysctl(name);
  if (kind === undefined) throw new PeapodError("BUG", `sysctl ${name}: was not checked`);
  return kind;
}
