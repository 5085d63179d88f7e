// `--explain`: each part of a config.json with the line of the manifest, or the default, that it comes from.

import type { NamespaceKind, Plan, PlannedContainer, PlannedNamespace, Reason } from "../plan/plan.ts";
import { NAMESPACE_KINDS } from "../plan/plan.ts";
import type { OciConfig } from "./oci-config.ts";

export interface ExplainedPart {
  /** `process.args`, `namespaces.net`, `mounts./dev/shm` */
  readonly part: string;
  /** Short enough for a table. */
  readonly value: string;
  /** `pod.yaml:14 spec.containers[0].command`, or whose default it is. */
  readonly source: string;
}

const LONGEST = 60;

export function makeExplanation(plan: Plan, container: PlannedContainer, config: OciConfig): ExplainedPart[] {
  const profile = container.privileged ? "profile privileged.json" : "profile default.json";
  const row = (part: string, value: string, otherwise = profile): ExplainedPart => {
    const reason: Reason | undefined = container.reasons[part];
    return { part, value: shorten(value), source: reason === undefined ? otherwise : asSource(reason) };
  };
  const { process, linux, root } = config;
  const { memory, cpu, pids, blockIO, hugepageLimits } = linux.resources;
  const { oomScoreAdj } = process;
  const manifest = "the manifest's annotations";
  return [
    row("process.args", process.args.map(asWord).join(" ")),
    row("process.env", process.env.join(" ")),
    row("process.cwd", process.cwd),
    row("process.user", `${process.user.uid}:${process.user.gid}${groupsOf(process.user.additionalGids)}`),
    row(
      "process.capabilities",
      process.capabilities.bounding.map((name) => name.slice("CAP_".length)).join(" ") || "none",
    ),
    row("process.noNewPrivileges", String(process.noNewPrivileges)),
    row("rootfs", container.rootfs.lower ?? "empty directory"),
    row("rootfs.readOnly", String(root.readonly)),
    row("hostname", config.hostname ?? nameOf(plan, container)),
    ...NAMESPACE_KINDS.map((kind) => row(`namespaces.${kind}`, describe(kind, container.namespaces[kind]))),
    ...config.mounts.map((mount) =>
      row(`mounts.${mount.destination}`, `${mount.type} ${mount.source} ${mount.options.join(",")}`),
    ),
    ...(cpu?.shares === undefined ? [] : [row("resources.cpuShares", String(cpu.shares))]),
    ...(cpu?.quota === undefined ? [] : [row("resources.cpuQuota", `${cpu.quota} of ${cpu.period} µs`)]),
    ...(memory?.limit === undefined ? [] : [row("resources.memory", `${memory.limit} bytes`)]),
    ...(memory?.reservation === undefined
      ? []
      : [row("resources.memoryReservation", `${memory.reservation} bytes are left to it`)]),
    ...(memory?.swap === undefined
      ? []
      : [row("resources.memorySwapBytes", `${memory.swap} bytes with swap`, "Kubernetes: no swap beyond the limit")]),
    ...(cpu?.cpus === undefined ? [] : [row("resources.cpusetCpus", cpu.cpus)]),
    ...(cpu?.mems === undefined ? [] : [row("resources.cpusetMems", cpu.mems)]),
    ...(pids === undefined ? [] : [row("resources.pidsLimit", String(pids.limit))]),
    ...(blockIO === undefined ? [] : [row("resources.blockIO", JSON.stringify(blockIO), manifest)]),
    ...(hugepageLimits ?? []).map(({ pageSize, limit }) =>
      row(`resources.hugepages.${pageSize}`, `${limit} bytes`, "the manifest's limits, else none"),
    ),
    ...(linux.resources.unified === undefined
      ? []
      : [row("resources.oomGroup", JSON.stringify(linux.resources.unified))]),
    ...(oomScoreAdj === undefined
      ? []
      : [
          row(
            "process.oomScoreAdj",
            String(oomScoreAdj),
            `Kubernetes: by QoS class ${plan.sandbox.resources?.qosClass}`,
          ),
        ]),
    ...(linux.cgroupsPath === undefined
      ? []
      : [row("cgroupsPath", linux.cgroupsPath, "pod's cgroup, a leaf for each container")]),
    ...(linux.uidMappings === undefined
      ? []
      : [row("uidMappings", mappings(linux.uidMappings), "subuid(5) or 100000")]),
    row(
      "devices",
      linux.devices === undefined ? "the runtime's default ones" : `${linux.devices.length} of the host's`,
    ),
    ...(container.deviceRules ?? []).map(({ type, major, minor, access }) =>
      row(`resources.devices.${type} ${major}:${minor}`, access, "hostPath of type CharDevice or BlockDevice"),
    ),
    row("maskedPaths", linux.maskedPaths.join(" ") || "none"),
    row("readonlyPaths", linux.readonlyPaths.join(" ") || "none"),
    row(
      "seccomp",
      linux.seccomp === undefined
        ? "none"
        : container.seccompFilter === undefined
          ? `${linux.seccomp.syscalls[0]?.names.length ?? 0} system calls allowed`
          : `${linux.seccomp.defaultAction}, with ${linux.seccomp.syscalls.length} rules`,
    ),
    ...Object.entries(linux.sysctl ?? {}).map(([name, value]) =>
      row(`sysctl.${name}`, value, "spec.securityContext.sysctls"),
    ),
    ...(process.apparmorProfile === undefined
      ? []
      : [row("process.apparmorProfile", process.apparmorProfile, "securityContext.appArmorProfile")]),
    ...(process.selinuxLabel === undefined
      ? []
      : [row("process.selinuxLabel", process.selinuxLabel, "securityContext.seLinuxOptions")]),
  ];
}

function groupsOf(groups: readonly number[] = []): string {
  return groups.length === 0 ? "" : `, groups ${groups.join(" ")}`;
}

function asSource({ source, where }: Reason): string {
  return source === "image" ? `image ${where}` : where;
}

function describe(_kind: NamespaceKind, namespace: PlannedNamespace): string {
  switch (namespace.scope) {
    case "host":
      return "host";
    case "private":
      return namespace.file === undefined ? "private" : `private, pinned on ${namespace.file}`;
    case "pod":
      return `pod ${namespace.file}`;
    case "container":
      return `container ${namespace.container} ${namespace.file}`;
    case "path":
      return `path ${namespace.file}`;
  }
}

function nameOf(plan: Plan, container: PlannedContainer): string {
  const { scope } = container.namespaces.uts;
  return scope === "host" || scope === "path" ? `that of its uts namespace (${scope})` : plan.sandbox.hostname;
}

function mappings(all: NonNullable<OciConfig["linux"]["uidMappings"]>): string {
  return all.map(({ containerID, hostID, size }) => `${containerID} -> ${hostID} (${size})`).join(", ");
}

function asWord(arg: string): string {
  return /^[\w@%+=:,./-]+$/.test(arg) ? arg : JSON.stringify(arg);
}

function shorten(value: string): string {
  return value.length <= LONGEST ? value : `${value.slice(0, LONGEST - 1)}…`;
}
