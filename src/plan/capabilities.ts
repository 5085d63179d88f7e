// Which capabilities a container has. The defaults are those that podman and containerd both give.

import { PeapodError } from "../base/errors.ts";
import type { HostFacts } from "../host/facts.ts";
import type { Container, Manifest } from "../manifest/manifest.ts";
import type { Reason } from "./plan.ts";
import { defaultReason, isWritten, makeContainerPointer, makePlace, manifestReason } from "./where.ts";

/**
 * podman's eleven. containerd's fourteen are these with AUDIT_WRITE, MKNOD and NET_RAW, which podman dropped: with
 * NET_RAW a container can forge packets of its neighbours in a shared network, with MKNOD it leans on the device
 * cgroup alone. What runs under both runs with these; a manifest adds the rest by name.
 */
export const DEFAULT_CAPABILITIES: readonly string[] = [
  "CHOWN",
  "DAC_OVERRIDE",
  "FOWNER",
  "FSETID",
  "KILL",
  "NET_BIND_SERVICE",
  "SETFCAP",
  "SETGID",
  "SETPCAP",
  "SETUID",
  "SYS_CHROOT",
];

/** Every one of capabilities(7) up to Linux 5.9, when the last came. */
export const KNOWN_CAPABILITIES: readonly string[] = [
  ...DEFAULT_CAPABILITIES,
  ..."AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE DAC_READ_SEARCH IPC_LOCK IPC_OWNER".split(
    " ",
  ),
  ..."LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BROADCAST NET_RAW PERFMON SYSLOG".split(" "),
  ..."SYS_ADMIN SYS_BOOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG".split(
    " ",
  ),
  "WAKE_ALARM",
];

export interface PlannedCapabilities {
  /** With `CAP_`, sorted. */
  readonly names: readonly string[];
  readonly reason: Reason;
}

/**
 * Kubernetes' order: `ALL` first, then names added, then names dropped; `drop: [ALL]` empties the defaults, not what is added by name.
 * @throws BAD_MANIFEST for a name that no kernel knows, NOT_PERMITTED for one that we do not hold ourselves
 */
export function makeCapabilities(
  manifest: Manifest,
  index: number,
  container: Container,
  facts: HostFacts,
): PlannedCapabilities {
  const pointer = makeContainerPointer(manifest, index, "securityContext");
  const { privileged, capabilities } = container.securityContext;
  if (privileged) {
    return { names: withPrefix(facts.capabilities), reason: manifestReason(manifest, `${pointer}/privileged`) };
  }
  for (const what of ["add", "drop"] as const) {
    capabilities[what].forEach((name, at) => {
      assertKnown(container, name, makePlace(manifest.source, `${pointer}/capabilities/${what}/${at}`));
      if (what === "add")
        assertHeld(container, name, facts, makePlace(manifest.source, `${pointer}/capabilities/add/${at}`));
    });
  }
  const held = new Set(facts.capabilities);
  const names = new Set(capabilities.drop.includes("ALL") ? [] : DEFAULT_CAPABILITIES.filter((name) => held.has(name)));
  for (const name of capabilities.add.includes("ALL") ? facts.capabilities : capabilities.add) names.add(name);
  for (const name of capabilities.drop) names.delete(name);
  const written = isWritten(manifest.source, `${pointer}/capabilities`);
  return {
    names: withPrefix(names),
    reason: written
      ? manifestReason(manifest, `${pointer}/capabilities`)
      : defaultReason("podman's default, a part of containerd's"),
  };
}

function withPrefix(names: Iterable<string>): string[] {
  return [...names].map((name) => `CAP_${name}`).sort();
}

function assertKnown(container: Container, name: string, place: string): void {
  if (name === "ALL" || KNOWN_CAPABILITIES.includes(name)) return;
  throw new PeapodError("BAD_MANIFEST", `container ${container.name}: there is no capability ${name} (${place})`, {
    hint: "capabilities(7) lists them; they are written without CAP_",
  });
}

function assertHeld(container: Container, name: string, facts: HostFacts, place: string): void {
  if (name === "ALL" || facts.capabilities.includes(name)) return;
  throw new PeapodError(
    "NOT_PERMITTED",
    `container ${container.name}: capability ${name} is not ours to give (${place})`,
    {
      hint: "peapod hands on only what its own process holds (CapBnd in /proc/self/status)",
    },
  );
}
