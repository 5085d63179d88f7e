// What the kernel holds a container to besides its capabilities: the seccomp filter, AppArmor, SELinux, and which parts
// of /proc are hidden.

import { PeapodError } from "../base/errors.ts";
import type { HostFacts } from "../host/facts.ts";
import type { Container, Manifest, SeLinuxOptions } from "../manifest/manifest.ts";
import type { Reason } from "./plan.ts";
import { makeSeccompFilter, type SeccompFilter, type SeccompProfile } from "./seccomp-filter.ts";
import { securityPointer } from "./security-pointer.ts";
import { defaultReason, makePlace, manifestReason, reasonFor } from "./where.ts";

export interface Confinement {
  /** Whether the container has a filter: `seccompFilter`, or the profile's own. */
  readonly seccomp: boolean;
  readonly seccompFilter?: SeccompFilter;
  readonly appArmorProfile?: string;
  readonly seLinux?: { readonly process: string; readonly mounts: string };
  readonly procUnmasked?: true;
}

export interface ConfinementInput {
  readonly manifest: Manifest;
  readonly index: number;
  readonly container: Container;
  readonly facts: HostFacts;
  /** The bounding set, with `CAP_`. */
  readonly capabilities: readonly string[];
  readonly hasUserNamespace: boolean;
  readonly seccompProfiles: ReadonlyMap<string, SeccompProfile>;
}

/** @throws HOST_LACKS, NOT_SUPPORTED, BAD_MANIFEST */
export function makeConfinement(input: ConfinementInput): Confinement & { readonly seccompReason: Reason } {
  return { ...makeSeccomp(input), ...makeAppArmor(input), ...makeSeLinux(input), ...makeProcMount(input) };
}

function makeSeccomp({ manifest, index, container, facts, capabilities, seccompProfiles }: ConfinementInput): {
  seccomp: boolean;
  seccompFilter?: SeccompFilter;
  seccompReason: Reason;
} {
  const { seccompProfile, privileged } = container.securityContext;
  const pointer = securityPointer(manifest, index, "seccompProfile");
  if (seccompProfile === undefined) {
    const reason = facts.hasSeccomp
      ? reasonFor(manifest, securityPointer(manifest, index, "privileged"), "what podman and containerd both allow")
      : defaultReason("none: this kernel has no seccomp");
    return { seccomp: facts.hasSeccomp && !privileged, seccompReason: reason };
  }
  const seccompReason = manifestReason(manifest, pointer);
  if (seccompProfile.type === "Unconfined") return { seccomp: false, seccompReason };
  if (!facts.hasSeccomp) throw refuse("HOST_LACKS", container, "this kernel has no seccomp", manifest, pointer);
  if (seccompProfile.type === "RuntimeDefault") return { seccomp: true, seccompReason };
  const profile = seccompProfiles.get(seccompProfile.localhostProfile);
  if (profile === undefined)
    throw new PeapodError("BUG", `seccomp profile ${seccompProfile.localhostProfile}: not read`);
  const { arch, kernel } = facts;
  return { seccomp: true, seccompFilter: makeSeccompFilter(profile, { arch, kernel, capabilities }), seccompReason };
}

/** peapod has no profile of its own: without AppArmor that is all the same, with it "default" would promise one. */
function makeAppArmor({ manifest, index, container, facts }: ConfinementInput): { appArmorProfile?: string } {
  const wanted = container.securityContext.appArmorProfile;
  if (wanted === undefined) return {};
  const loaded = facts.appArmorProfiles;
  const pointer = securityPointer(manifest, index, "appArmorProfile");
  const fault = (code: "HOST_LACKS" | "NOT_SUPPORTED", what: string, hint?: string) =>
    refuse(code, container, what, manifest, pointer, hint);
  if (wanted.type === "Unconfined") return loaded === undefined ? {} : { appArmorProfile: "unconfined" };
  if (wanted.type === "RuntimeDefault") {
    if (loaded === undefined) return {};
    throw fault("NOT_SUPPORTED", "peapod brings no AppArmor profile", "load one and name it with type Localhost");
  }
  const name = wanted.localhostProfile;
  if (loaded === undefined) throw fault("HOST_LACKS", `AppArmor profile ${name}: this kernel has no AppArmor`);
  if (!loaded.includes(name))
    throw fault("HOST_LACKS", `AppArmor profile ${name} is not loaded`, "apparmor_parser(8) loads it");
  return { appArmorProfile: name };
}

function makeSeLinux({ manifest, index, container, facts }: ConfinementInput): {
  seLinux?: NonNullable<Confinement["seLinux"]>;
} {
  const { seLinuxOptions, privileged } = container.securityContext;
  if (seLinuxOptions === undefined) return {};
  const pointer = securityPointer(manifest, index, "seLinuxOptions");
  if (!facts.hasSeLinux) throw refuse("HOST_LACKS", container, "this kernel has no SELinux", manifest, pointer);
  return { seLinux: makeLabels(seLinuxOptions, privileged) };
}

function makeLabels(options: SeLinuxOptions, privileged: boolean): NonNullable<Confinement["seLinux"]> {
  const { user = "system_u", role = "system_r", level = "s0" } = options;
  const type = options.type ?? (privileged ? "spc_t" : "container_t");
  return { process: `${user}:${role}:${type}:${level}`, mounts: `system_u:object_r:container_file_t:${level}` };
}

/** As in Kubernetes: what is hidden in /proc is the machine's, and root of a user namespace has no power over it. */
function makeProcMount({ manifest, index, container, hasUserNamespace }: ConfinementInput): { procUnmasked?: true } {
  if (container.securityContext.procMount === "Default") return {};
  if (hasUserNamespace) return { procUnmasked: true };
  const what = "procMount Unmasked needs a user namespace";
  const pointer = securityPointer(manifest, index, "procMount");
  throw refuse("BAD_MANIFEST", container, what, manifest, pointer, "set spec.hostUsers to false");
}

function refuse(
  code: "HOST_LACKS" | "NOT_SUPPORTED" | "BAD_MANIFEST",
  { name }: Container,
  what: string,
  manifest: Manifest,
  pointer: string,
  hint?: string,
): PeapodError {
  const place = makePlace(manifest.source, pointer);
  return new PeapodError(code, `container ${name}: ${what} (${place})`, hint === undefined ? {} : { hint });
}
