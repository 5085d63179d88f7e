// One planned container as an OCI config.json. Pure, and its keys always stand in the same order.

import { makeScopePrefix } from "../plan/cgroups.ts";
import { makeMemberCgroupsPath } from "../plan/outer.ts";
import type { NamespaceKind, Plan, PlannedContainer, PlannedNamespace } from "../plan/plan.ts";
import { makeConfigMounts } from "./config-mounts.ts";
import type { OciConfig, OciDeviceRule, OciIdMapping, OciLinux, OciNamespaceType } from "./oci-config.ts";
import { makeOciResources } from "./oci-resources.ts";
import { type Profile, profileFor } from "./profiles.ts";
import { makeSeccomp } from "./seccomp.ts";

/** The newest version that runc 1.1 and crun 1.8 both name as theirs or older. */
const OCI_VERSION = "1.0.2";

/** In the order in which they are written down. */
const TYPES: readonly (readonly [NamespaceKind, OciNamespaceType])[] = [
  ["user", "user"],
  ["pid", "pid"],
  ["net", "network"],
  ["ipc", "ipc"],
  ["uts", "uts"],
  ["mnt", "mount"],
  ["cgroup", "cgroup"],
  ["time", "time"],
];

export function makeConfig(
  plan: Plan,
  container: PlannedContainer,
  profile: Profile = profileFor(plan, container),
): OciConfig {
  const { process } = container;
  const capabilities = process.capabilities;
  const { oomScoreAdj } = container.resources;
  return {
    ociVersion: OCI_VERSION,
    process: {
      terminal: container.stdio?.tty ?? false,
      user: {
        uid: process.uid,
        gid: process.gid,
        ...(process.additionalGids.length > 0 ? { additionalGids: process.additionalGids } : {}),
      },
      args: process.args,
      env: process.env,
      cwd: process.cwd,
      // Nothing inheritable or ambient: a program that changes its user must not keep them by accident (CVE-2022-24769).
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      noNewPrivileges: process.noNewPrivileges,
      ...(container.appArmorProfile === undefined ? {} : { apparmorProfile: container.appArmorProfile }),
      ...(container.seLinux === undefined ? {} : { selinuxLabel: container.seLinux.process }),
      ...(oomScoreAdj === undefined ? {} : { oomScoreAdj }),
      ...profile.process,
    },
    root: { path: rootfsOf(container), readonly: container.rootfs.readOnly },
    ...(container.hostname === undefined ? {} : { hostname: container.hostname }),
    mounts: makeConfigMounts(container, profile, plan.isUsers),
    annotations: container.annotations,
    linux: makeLinux(plan, container, profile),
  };
}

function makeLinux(plan: Plan, container: PlannedContainer, profile: Profile): OciLinux {
  const { idMapping, devices } = container;
  return {
    ...makeCgroupsPath(plan, container),
    resources: { devices: makeDeviceRules(container, profile), ...makeOciResources(container.resources) },
    namespaces: TYPES.flatMap(([kind, type]) => makeNamespace(type, container.namespaces[kind])),
    ...(idMapping === undefined
      ? {}
      : { uidMappings: idMapping.uids.map(asOciMapping), gidMappings: idMapping.gids.map(asOciMapping) }),
    ...(container.sysctls === undefined ? {} : { sysctl: container.sysctls }),
    ...(container.seLinux === undefined ? {} : { mountLabel: container.seLinux.mounts }),
    ...(devices === undefined || devices.length === 0 ? {} : { devices }),
    maskedPaths: shown(container, profile.maskedPaths),
    readonlyPaths: shown(container, profile.readonlyPaths),
    ...makeFilter(plan, container, profile),
    ...makePropagation(container),
    ...profile.linux,
  };
}

/** A later rule goes before an earlier one. */
function makeDeviceRules({ deviceRules = [] }: PlannedContainer, profile: Profile): readonly OciDeviceRule[] {
  return [...profile.deviceRules, ...deviceRules.map((rule) => ({ allow: true, ...rule }))];
}

/** What a mount may hear of, its parent must hear first: runc's root does unless told otherwise, crun's does not. */
function makePropagation({ passesMountsOn, mounts }: PlannedContainer): Pick<OciLinux, "rootfsPropagation"> {
  if (passesMountsOn) return { rootfsPropagation: "rshared" };
  return mounts.some(({ options }) => options.includes("rslave")) ? { rootfsPropagation: "rslave" } : {};
}

/** `procMount: Unmasked` is about /proc alone: what is hidden in /sys stays so. */
function shown({ procUnmasked }: PlannedContainer, paths: readonly string[]): readonly string[] {
  return procUnmasked ? paths.filter((path) => !path.startsWith("/proc/")) : paths;
}

function makeFilter(plan: Plan, container: PlannedContainer, profile: Profile): Pick<OciLinux, "seccomp"> {
  const { seccomp, seccompFilter, process } = container;
  if (!seccomp) return {};
  if (seccompFilter !== undefined) return { seccomp: seccompFilter };
  // A caller's own comes with its profile.
  return profile.linux?.seccomp === undefined ? { seccomp: makeSeccomp(plan.arch, process.capabilities) } : {};
}

function rootfsOf({ rootfs, paths }: PlannedContainer): string {
  return rootfs.isWhole && rootfs.lower !== undefined ? rootfs.lower : paths.rootfs;
}

/** The host's namespace is the one that is not named. */
function makeNamespace(type: OciNamespaceType, namespace: PlannedNamespace): OciLinux["namespaces"][number][] {
  switch (namespace.scope) {
    case "host":
      return [];
    case "private":
      return namespace.from === "new" && namespace.file !== undefined ? [{ type, path: namespace.file }] : [{ type }];
    case "pod":
    case "container":
    case "path":
      return [{ type, path: namespace.file }];
  }
}

/** With systemd runc wants `slice:prefix:name`, and makes `prefix-name.scope` in that slice. */
function makeCgroupsPath(plan: Plan, container: PlannedContainer): Pick<OciLinux, "cgroupsPath"> {
  if (plan.outer !== undefined) return { cgroupsPath: makeMemberCgroupsPath(plan.outer, container.name) };
  const { driver, path } = plan.sandbox.cgroup;
  switch (driver) {
    case "cgroupfs":
      return { cgroupsPath: container.cgroupPath };
    case "systemd":
      return { cgroupsPath: `${path.slice(path.lastIndexOf("/") + 1)}:${makeScopePrefix(path)}:${container.name}` };
    case "none":
      // Without a path runc lets it pass that it may make none.
      return {};
  }
}

function asOciMapping({ container, host, size }: { container: number; host: number; size: number }): OciIdMapping {
  return { containerID: container, hostID: host, size };
}
