// One planned container as an OCI config.json. Pure, and its keys always stand in the same order.

import { makeMemberCgroupsPath } from "../plan/outer.ts";
import { makeScopePrefix } from "../plan/cgroups.ts";
import type { NamespaceKind, Plan, PlannedContainer, PlannedNamespace } from "../plan/plan.ts";
import { makeConfigMounts } from "./config-mounts.ts";
import type { OciConfig, OciIdMapping, OciLinux, OciNamespaceType, OciResources } from "./oci-config.ts";
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
  return {
    ociVersion: OCI_VERSION,
    process: {
      terminal: false,
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
      ...profile.process,
    },
    root: { path: rootfsOf(container), readonly: container.rootfs.readOnly },
    ...(container.hostname === undefined ? {} : { hostname: container.hostname }),
    mounts: makeConfigMounts(container, profile),
    annotations: container.annotations,
    linux: makeLinux(plan, container, profile),
  };
}

function makeLinux(plan: Plan, container: PlannedContainer, profile: Profile): OciLinux {
  const { idMapping, devices } = container;
  return {
    cgroupsPath: makeCgroupsPath(plan, container),
    resources: makeResources(container, profile),
    namespaces: TYPES.flatMap(([kind, type]) => makeNamespace(type, container.namespaces[kind])),
    ...(idMapping === undefined
      ? {}
      : { uidMappings: idMapping.uids.map(asOciMapping), gidMappings: idMapping.gids.map(asOciMapping) }),
    ...(devices === undefined || devices.length === 0 ? {} : { devices }),
    maskedPaths: profile.maskedPaths,
    readonlyPaths: profile.readonlyPaths,
    ...(container.seccomp && profile.seccomp
      ? { seccomp: makeSeccomp(plan.arch, container.process.capabilities) }
      : {}),
    ...profile.linux,
  };
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
function makeCgroupsPath(plan: Plan, container: PlannedContainer): string {
  if (plan.outer !== undefined) return makeMemberCgroupsPath(plan.outer, container.name);
  const { driver, path } = plan.sandbox.cgroup;
  if (driver === "cgroupfs") return container.cgroupPath;
  return `${path.slice(path.lastIndexOf("/") + 1)}:${makeScopePrefix(path)}:${container.name}`;
}

function makeResources({ resources }: PlannedContainer, profile: Profile): OciResources {
  const { cpuShares, cpuQuotaUs, cpuPeriodUs, memoryLimitBytes } = resources;
  const cpu = {
    ...(cpuShares === undefined ? {} : { shares: cpuShares }),
    ...(cpuQuotaUs === undefined ? {} : { quota: cpuQuotaUs }),
    ...(cpuPeriodUs === undefined ? {} : { period: cpuPeriodUs }),
  };
  return {
    devices: profile.deviceRules,
    ...(memoryLimitBytes === undefined ? {} : { memory: { limit: memoryLimitBytes } }),
    ...(Object.keys(cpu).length === 0 ? {} : { cpu }),
  };
}

function asOciMapping({ container, host, size }: { container: number; host: number; size: number }): OciIdMapping {
  return { containerID: container, hostID: host, size };
}
