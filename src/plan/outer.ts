// A pod inside a container that somebody else made for it: the OCI door's callers. Their container is the sandbox. What
// it has of namespaces, mounts, environment, privileges and cgroup is what the members get, and never more.

import { PeapodError } from "../base/errors.ts";
import { PAUSE } from "../base/names.ts";
import type { Container, Manifest } from "../manifest/manifest.ts";
import { assertNoPodLimits, moveResources } from "./outer-resources.ts";
import type { NamespaceKind, Plan, PlannedContainer, PlannedNamespace, Reason } from "./plan.ts";
import { NAMESPACE_KINDS } from "./plan.ts";
import { makeStages, mountsIn } from "./stages.ts";
import { defaultReason, isWritten, makeContainerPointer, makePlace, makePointer, manifestReason } from "./where.ts";

export interface OuterContainer {
  /** Its first process, in whose namespaces the members live. */
  readonly pid: number;
  /** Clock ticks since boot, see proc_pid_stat(5): a pid alone may be another's by now. */
  readonly startTime: number;
  /** Ours, beside it: the FIFO `result`, the caller's config.json. */
  readonly dir: string;
  /** Absolute inside each hierarchy. */
  readonly cgroupPath: string;
  /** cgroup version 2: then `cgroupPath` is all there is. */
  readonly hasOneHierarchy?: boolean;
  readonly config: OuterConfig;
}

/** The part of a caller's config.json that members inherit; what else is in it is the caller's and runc's alone. */
export interface OuterConfig {
  readonly hostname?: string;
  readonly process: {
    readonly terminal?: boolean;
    readonly user: { readonly uid: number; readonly gid: number; readonly additionalGids?: readonly number[] };
    readonly env?: readonly string[];
    readonly capabilities?: { readonly bounding?: readonly string[] };
    readonly rlimits?: readonly unknown[];
    readonly noNewPrivileges?: boolean;
    readonly oomScoreAdj?: number;
    readonly apparmorProfile?: string;
    readonly selinuxLabel?: string;
  };
  readonly root: { readonly path: string; readonly readonly?: boolean };
  readonly mounts?: readonly OuterMount[];
  readonly linux?: {
    readonly cgroupsPath?: string;
    readonly namespaces?: readonly { readonly type: string; readonly path?: string }[];
    readonly resources?: { readonly devices?: readonly unknown[] };
    readonly devices?: readonly unknown[];
    readonly maskedPaths?: readonly string[];
    readonly readonlyPaths?: readonly string[];
    readonly seccomp?: unknown;
    readonly mountLabel?: string;
  };
}

export interface OuterMount {
  readonly destination: string;
  readonly type?: string;
  readonly source?: string;
  readonly options?: readonly string[];
}

/** Environment that is for us, not for the members. */
const OUR_ENV = new Set(["PEAPOD_MANIFEST", "PEAPOD_CONTAINER"]);

/**
 * The plan of the same pod, in the caller's container. `manifest`: its paths are the host's already.
 * @throws NOT_PERMITTED for a privilege that the caller did not give, NOT_SUPPORTED
 */
export function moveInto(plan: Plan, manifest: Manifest, outer: OuterContainer): Plan {
  assertPossible(manifest, outer);
  assertNoPodLimits(manifest);
  assertStreams(manifest, outer);
  const containers = plan.containers
    .filter((one) => one.name !== PAUSE)
    .map((planned, _index, all) => moveContainer(planned, manifest, outer, all));
  const callers = new Set((outer.config.mounts ?? []).map(({ destination }) => destination));
  const sharedMemory = callers.has("/dev/shm") && isBound(outer, "/dev/shm") ? [] : plan.sandbox.sharedMemory;
  const pinned = plan.sandbox.namespaces.filter((pin) => pin.owner !== "pod");
  const gone = new Set([
    ...containers.filter((one) => one.rootfs.isWhole).map((one) => one.paths.rootfs),
    ...plan.sandbox.sharedMemory.filter((one) => !sharedMemory.includes(one)).map((one) => one.path),
  ]);
  const mounts = mountsIn(plan.stages).filter((mount) => !gone.has(mount.target));
  const { cgroupPath } = outer;
  return {
    ...plan,
    outer,
    sandbox: {
      ...plan.sandbox,
      namespaces: pinned,
      sharedMemory,
      ...(plan.sandbox.resources === undefined
        ? {}
        : { resources: { qosClass: plan.sandbox.resources.qosClass, own: {}, limits: {} } }),
      cgroup: { driver: "cgroupfs", path: cgroupPath, base: cgroupPath, isCallers: true },
    },
    containers,
    ...makeStages({ containers, pinned, volumes: plan.sandbox.volumes, mounts }),
  };
}

/**
 * What a member's config.json says of its cgroup. runc takes a relative path, or none, from its own caller's cgroup in each
 * hierarchy of version 1, which need not be one path; so a member's stays relative as well, and its runtime is ours.
 */
export function makeMemberCgroupsPath(
  { config, cgroupPath, hasOneHierarchy = false }: OuterContainer,
  member: string,
): string {
  const wanted = config.linux?.cgroupsPath || cgroupPath.slice(cgroupPath.lastIndexOf("/") + 1);
  // `slice:prefix:name` is systemd's; what that made is one path everywhere.
  const isRelative = !hasOneHierarchy && !wanted.startsWith("/") && wanted.split(":").length !== 3;
  return `${isRelative ? wanted : cgroupPath}/${member}`;
}

function assertPossible(manifest: Manifest, { config }: OuterContainer): void {
  if (config.linux?.namespaces?.some(({ type }) => type === "user")) {
    throw new PeapodError("NOT_SUPPORTED", "pod: cannot live in a container with a user namespace yet");
  }
  manifest.spec.volumes.forEach((volume, index) => {
    if (volume.kind !== "claim") return;
    const place = makePlace(manifest.source, makePointer("spec", "volumes", index));
    throw new PeapodError(
      "NOT_PERMITTED",
      `volume ${volume.name}: a pod in a container has no named volumes (${place})`,
      {
        hint: "let the container's caller mount one, and name its path as a hostPath",
      },
    );
  });
  const given = new Set(config.process.capabilities?.bounding ?? []);
  manifest.spec.containers.forEach((container, index) => {
    if (!container.securityContext.privileged || given.has("CAP_SYS_ADMIN")) return;
    const place = makePlace(manifest.source, makeContainerPointer(manifest, index, "securityContext", "privileged"));
    throw new PeapodError(
      "NOT_PERMITTED",
      `container ${container.name}: its pod's container is not privileged (${place})`,
      {
        hint: "privileges come from the caller: docker run --privileged",
      },
    );
  });
}

/** The caller has one standard input, and perhaps one terminal: they are the only member's. */
function assertStreams(manifest: Manifest, { config }: OuterContainer): void {
  const { containers } = manifest.spec;
  containers.forEach(({ name, stdin, tty }, index) => {
    if (!stdin && !tty) return;
    const field = tty ? "tty" : "stdin";
    const place = makePlace(manifest.source, makeContainerPointer(manifest, index, field));
    if (containers.length > 1) {
      throw new PeapodError(
        "NOT_SUPPORTED",
        `container ${name}: cannot have the caller's ${tty ? "terminal" : "standard input"} among several (${place})`,
        { hint: `in a container of a caller's the pod's only member has it; leave ${field} out` },
      );
    }
    if (tty && !config.process.terminal) {
      throw new PeapodError("NOT_SUPPORTED", `container ${name}: its caller gave no terminal (${place})`, {
        hint: "terminals come from the caller: docker run -t",
      });
    }
  });
}

function moveContainer(
  planned: PlannedContainer,
  manifest: Manifest,
  outer: OuterContainer,
  all: readonly PlannedContainer[],
): PlannedContainer {
  const index = manifest.spec.containers.findIndex((one) => one.name === planned.name);
  const container = manifest.spec.containers[index] as Container;
  const capabilities = makeCapabilities(manifest, index, container, outer);
  const isShared = all.filter((one) => one.rootfs.lower === planned.rootfs.lower).length > 1;
  const { user, noNewPrivileges } = outer.config.process;
  const { runAsUser, runAsGroup, allowPrivilegeEscalation } = container.securityContext;
  const callers = outer.config.mounts ?? [];
  // The caller's own streams are the container's, and so are his rules for devices, which allow those of the manifest.
  const { stdio: _stdio, deviceRules: _deviceRules, ...rest } = planned;
  return {
    ...rest,
    // What several members run from is laid under an overlay for each; else it is the caller's own layer that is written to.
    rootfs: {
      lower: planned.rootfs.lower,
      readOnly: planned.rootfs.readOnly || (outer.config.root.readonly ?? false),
      isWhole: !isShared,
    },
    process: {
      ...planned.process,
      env: makeEnv(planned, container, outer),
      uid: runAsUser ?? user.uid,
      gid: runAsGroup ?? (runAsUser === undefined ? user.gid : planned.process.gid),
      additionalGids: makeGroups(planned, manifest, container, outer),
      capabilities: capabilities.names,
      noNewPrivileges: (noNewPrivileges ?? false) || !allowPrivilegeEscalation,
    },
    privileged: false,
    // Where the caller left his container without one, a member may still ask for the usual filter.
    seccomp:
      outer.config.linux?.seccomp !== undefined ||
      (planned.seccomp && container.securityContext.seccompProfile !== undefined),
    namespaces: Object.fromEntries(
      NAMESPACE_KINDS.map((kind) => [kind, moveNamespace(kind, planned.namespaces[kind], outer)]),
    ) as PlannedContainer["namespaces"],
    // The caller's own stand in place of ours, but for a /dev/shm that only its own container would have.
    mounts: planned.mounts.filter(
      ({ destination }) =>
        container.volumeMounts.some(({ mountPath }) => mountPath.replace(/(?<=.)\/$/, "") === destination) ||
        !callers.some((one) => one.destination === destination) ||
        (destination === "/dev/shm" && !isBound(outer, destination)),
    ),
    resources: moveResources(planned),
    cgroupPath: `${outer.cgroupPath}/${planned.name}`,
    hostname: undefined,
    reasons: { ...planned.reasons, "process.capabilities": capabilities.reason },
  };
}

/** The caller's user's are his; another user has those that the manifest and the image give him. */
function makeGroups(
  planned: PlannedContainer,
  manifest: Manifest,
  { securityContext }: Container,
  { config }: OuterContainer,
): readonly number[] {
  if (securityContext.runAsUser !== undefined) return planned.process.additionalGids;
  const { fsGroup, securityContext: ofPod } = manifest.spec;
  const own = [...ofPod.supplementalGroups, ...(fsGroup === undefined ? [] : [fsGroup.gid])];
  return [...new Set([...(config.process.user.additionalGids ?? []), ...own])];
}

/** Whether everybody who binds its source gets the same file system. */
function isBound({ config }: OuterContainer, destination: string): boolean {
  const mount = (config.mounts ?? []).find((one) => one.destination === destination);
  return mount?.options?.some((option) => option === "bind" || option === "rbind") ?? false;
}

/** What the pod shares, and what the manifest calls the host, is the caller's container. */
function moveNamespace(kind: NamespaceKind, namespace: PlannedNamespace, outer: OuterContainer): PlannedNamespace {
  const hasOwn = outer.config.linux?.namespaces?.some(({ type }) => type === kind) ?? false;
  if (kind === "cgroup") return hasOwn ? { scope: "private" } : { scope: "host" };
  const isOuters = namespace.scope === "pod" || namespace.scope === "host";
  if (!isOuters || kind === "mnt" || kind === "user" || kind === "time") return namespace;
  return { scope: "path", file: `/proc/${outer.pid}/ns/${kind}` };
}

/** The caller's, with the manifest's own laid over it. The host name is his container's, whatever the pod is called. */
function makeEnv(planned: PlannedContainer, container: Container, { config }: OuterContainer): string[] {
  const nameOf = (pair: string) => pair.slice(0, pair.indexOf("="));
  const own = new Set(planned.process.ownEnv ?? container.env.map(({ name }) => name));
  const env = new Map(planned.process.env.map((pair) => [nameOf(pair), pair]));
  if (!own.has("HOSTNAME")) env.delete("HOSTNAME");
  if (!own.has("HOSTNAME") && config.hostname) env.set("HOSTNAME", `HOSTNAME=${config.hostname}`);
  for (const pair of config.process.env ?? []) {
    const name = nameOf(pair);
    if (!own.has(name) && !OUR_ENV.has(name)) env.set(name, pair);
  }
  return [...env.values()];
}

/** As the caller gave them, without what the manifest drops; nothing can be added. */
function makeCapabilities(
  manifest: Manifest,
  index: number,
  { name, securityContext }: Container,
  { config }: OuterContainer,
): { readonly names: readonly string[]; readonly reason: Reason } {
  const pointer = makeContainerPointer(manifest, index, "securityContext", "capabilities");
  const given = new Set(config.process.capabilities?.bounding ?? []);
  const { add, drop } = securityContext.capabilities;
  add.forEach((capability, at) => {
    if (capability === "ALL" || given.has(`CAP_${capability}`)) return;
    const place = makePlace(manifest.source, `${pointer}/add/${at}`);
    throw new PeapodError(
      "NOT_PERMITTED",
      `container ${name}: capability ${capability} is not its pod's container's (${place})`,
      {
        hint: `capabilities come from the caller: docker run --cap-add ${capability}`,
      },
    );
  });
  const dropped = new Set(drop.map((capability) => `CAP_${capability}`));
  const kept = dropped.has("CAP_ALL")
    ? add.flatMap((capability) => (capability === "ALL" ? [...given] : [`CAP_${capability}`]))
    : [...given];
  return {
    names: kept.filter((capability) => !dropped.has(capability)).sort(),
    reason: isWritten(manifest.source, pointer)
      ? manifestReason(manifest, pointer)
      : defaultReason("the caller's container"),
  };
}
