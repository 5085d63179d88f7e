// securityContext, checked: what a container has of its own goes before what the pod says, field by field, as in
// Kubernetes. What is the pod's alone (supplementalGroups, sysctls) stands in the pod.

import { swapDotsAndSlashes } from "../base/sysctl-name.ts";
import type {
  AppArmorProfile,
  SecurityContext as WrittenContainer,
  PodSecurityContext as WrittenPod,
} from "../generated/pod.ts";

/** Of one container, the pod's words already in it. */
export interface SecurityContext {
  readonly runAsUser: number | undefined;
  readonly runAsGroup: number | undefined;
  readonly runAsNonRoot: boolean;
  /** Capability names without `CAP_`, upper case; `ALL` possible. */
  readonly capabilities: { readonly add: readonly string[]; readonly drop: readonly string[] };
  readonly readOnlyRootFilesystem: boolean;
  readonly privileged: boolean;
  readonly allowPrivilegeEscalation: boolean;
  readonly procMount: "Default" | "Unmasked";
  /** Absent: nobody said anything. */
  readonly seccompProfile?: SecurityProfile;
  readonly appArmorProfile?: SecurityProfile;
  readonly seLinuxOptions?: SeLinuxOptions;
}

export type SecurityProfile =
  | { readonly type: "RuntimeDefault" }
  | { readonly type: "Unconfined" }
  /** seccomp: a relative path without `..`; AppArmor: the name of a loaded profile. */
  | { readonly type: "Localhost"; readonly localhostProfile: string };

export interface SeLinuxOptions {
  readonly user?: string;
  readonly role?: string;
  readonly type?: string;
  readonly level?: string;
}

export interface PodSecurity {
  readonly supplementalGroups: readonly number[];
  readonly supplementalGroupsPolicy: "Merge" | "Strict";
  readonly sysctls: readonly Sysctl[];
}

export interface Sysctl {
  /** Parts between dots, as Kubernetes writes it: a dot within a part is a slash. */
  readonly name: string;
  readonly value: string;
}

export function makePodSecurity(written: WrittenPod | undefined): PodSecurity {
  return {
    supplementalGroups: [...(written?.supplementalGroups ?? [])],
    supplementalGroupsPolicy: written?.supplementalGroupsPolicy ?? "Merge",
    sysctls: (written?.sysctls ?? []).map(({ name, value }) => ({ name: normalSysctl(name), value })),
  };
}

/** The pod's filter is for those that are not privileged, as in containerd and CRI-O; one of a container's own counts. */
export function makeSecurityContext(own: WrittenContainer | undefined, pod: WrittenPod | undefined): SecurityContext {
  return {
    runAsUser: own?.runAsUser ?? pod?.runAsUser,
    runAsGroup: own?.runAsGroup ?? pod?.runAsGroup,
    runAsNonRoot: own?.runAsNonRoot ?? pod?.runAsNonRoot ?? false,
    capabilities: { add: [...(own?.capabilities?.add ?? [])], drop: [...(own?.capabilities?.drop ?? [])] },
    readOnlyRootFilesystem: own?.readOnlyRootFilesystem ?? false,
    privileged: own?.privileged ?? false,
    allowPrivilegeEscalation: own?.allowPrivilegeEscalation ?? true,
    procMount: own?.procMount ?? "Default",
    ...made("seccompProfile", makeProfile(own?.seccompProfile ?? (own?.privileged ? undefined : pod?.seccompProfile))),
    ...made("appArmorProfile", makeProfile(own?.appArmorProfile ?? pod?.appArmorProfile)),
    ...made("seLinuxOptions", makeSeLinux(own?.seLinuxOptions ?? pod?.seLinuxOptions)),
  };
}

function made<Name extends string, Value>(name: Name, value: Value | undefined): { [N in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { [N in Name]?: Value });
}

function makeProfile(written: AppArmorProfile | undefined): SecurityProfile | undefined {
  if (written === undefined) return undefined;
  const { type, localhostProfile } = written;
  return type === "Localhost" ? { type, localhostProfile: localhostProfile ?? "" } : { type };
}

function makeSeLinux(written: SeLinuxOptions | undefined): SeLinuxOptions | undefined {
  if (written === undefined) return undefined;
  const made: { -readonly [Part in keyof SeLinuxOptions]: string } = {};
  for (const part of ["user", "role", "type", "level"] as const) if (written[part]) made[part] = written[part];
  return Object.keys(made).length === 0 ? undefined : made;
}

/**
 * `net/ipv4/conf/eth0.100/forwarding` and `net.ipv4.conf.eth0/100.forwarding` are one parameter: what stands first
 * parts the name, as in sysctl(8).
 */
export function normalSysctl(name: string): string {
  return /[./]/.exec(name)?.[0] === "/" ? swapDotsAndSlashes(name) : name;
}
