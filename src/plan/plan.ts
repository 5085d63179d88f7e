// The plan: all our decisions about one pod, as data. It is made once, written to plan.json, and everything
// later (bundles, host, engine, doctor) acts on it without deciding anew.

import type { ContainerName, PodName } from "../base/names.ts";
import type { ContainerPaths, PodPaths } from "../base/paths.ts";
import type { Content } from "../manifest/config-objects.ts";
import type { PodDns } from "../manifest/manifest.ts";
import type { PlannedNetwork, PortMapping } from "../network/network.ts";
import type { PlannedAttendance } from "./attendance.ts";
import type { OuterContainer } from "./outer.ts";
import type { SeccompFilter } from "./seccomp-filter.ts";
import type { PlannedUplink } from "./uplink.ts";

export const NAMESPACE_KINDS = ["net", "ipc", "uts", "pid", "user", "cgroup", "time", "mnt"] as const;
export type NamespaceKind = (typeof NAMESPACE_KINDS)[number];

export interface Plan {
  readonly version: 1;
  readonly pod: PodName;
  /** A UUID, Kubernetes' metadata.uid. */
  readonly uid?: string;
  readonly root: string;
  readonly paths: PodPaths;
  readonly runtime: RuntimeChoice;
  /** In a user's own namespaces: see docs/rootless.md. */
  readonly isUsers?: true;
  /** Node's word for the processor: `x64`, `arm64`; seccomp filters differ by it. */
  readonly arch: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly stopGraceMs: number;
  /** Only where the manifest says more than the defaults of log-limits.ts. */
  readonly logs?: LogLimits;
  readonly sandbox: Sandbox;
  /** Set where a caller's container is the sandbox. */
  readonly outer?: OuterContainer;
  /** In manifest order. The first process of a shared pid namespace, where there is one, comes first (`_pause`). */
  readonly containers: readonly PlannedContainer[];
  /**
   * The way up to the pod's first containers. Stages one after the other; the steps of a stage may run side by side.
   * Undone in reverse.
   */
  readonly stages: readonly (readonly Step[])[];
  /** What begins once all before it are through: an init container has ended with 0, a sidecar has started. In order. */
  readonly followers: readonly Follower[];
  readonly backOff: BackOff;
  /** Milliseconds from its start after which the pod is stopped. */
  readonly deadlineMs?: number;
  /** How many attempts of a container keep their logs. */
  readonly logAttempts: number;
  /** How many of its last events the journal surely holds, where the manifest says so. */
  readonly keptEvents?: number;
  /** Those that the pod began with, in their order; set where members have come or gone since. */
  readonly firstMembers?: readonly {
    readonly name: ContainerName;
    readonly role: ContainerRole;
    readonly image?: string;
    readonly imageId?: string;
    readonly awaits: readonly ("postStart" | "startup" | "readiness")[];
  }[];
}

/** Containers that begin together, and how. */
export interface Follower {
  readonly containers: readonly ContainerName[];
  readonly stages: readonly (readonly Step[])[];
}

/** Before its first restart a container does not wait; then `initialMs`, doubling up to `maxMs`. */
export interface BackOff {
  readonly initialMs: number;
  readonly maxMs: number;
  /** Who has run this long begins anew, without a wait. */
  readonly resetMs: number;
}

/** Of each container's log. */
export interface LogLimits {
  /** 0: no limit. */
  readonly maxSizeBytes: number;
  readonly maxFiles: number;
}

export interface RuntimeChoice {
  readonly kind: "runc" | "crun";
  /** Absolute path of the program. */
  readonly path: string;
  readonly version: string;
}

/** What the containers share. */
export interface Sandbox {
  readonly hostname: string;
  readonly namespaces: readonly PinnedNamespace[];
  readonly sharedMemory: readonly SharedMemory[];
  readonly cgroup: PodCgroup;
  /** Undefined in a plan that was made before there were any. */
  readonly resources?: PodResources;
  readonly files: readonly SandboxFile[];
  /** What its network namespace is attached to, in order; absent: nothing, it has a loopback device alone or is not its own. */
  readonly networks?: readonly PlannedNetwork[];
  /** Those of a network namespace that is somebody else's, as they were when the pod was planned. */
  readonly podIPs?: readonly string[];
  /** Ports of the host that are the pod's while it is there. */
  readonly ports?: readonly PlannedPort[];
  readonly volumes: readonly PlannedVolume[];
  /**
   * Directories that the root of a user namespace, who is nobody on the host, must pass through to his root file
   * system: mode 0711 where others are 0700. Empty in a pod without user namespaces. Made so by `write-bundles`.
   */
  readonly passable: readonly string[];
  /** Brings a user's pod to the network. */
  readonly uplink?: PlannedUplink;
  /** Why a user's pod has none although nobody said so. */
  readonly noUplink?: string;
  /** Marks the pod's range of host ids as taken; removed when it goes down. Only with a user namespace. */
  readonly idsFile?: string;
  /** A tmpfs with what Secrets hold, made before the plan is written; who restarts finds it there. */
  readonly vault?: string;
}

/** Whom what we make in a volume belongs to, as the containers count. */
export interface VolumeOwner {
  readonly uid: number;
  readonly gid: number;
  /** It is the pod's fsGroup, and may do what Kubernetes lets it do. */
  readonly isGroup: boolean;
}

/** Of a volume that we make. */
interface MadeVolume {
  readonly name: string;
  readonly path: string;
  /** Absent: root's. */
  readonly owner?: VolumeOwner;
  /** How mounts in it are passed on; absent: not at all. */
  readonly propagation?: "HostToContainer" | "Bidirectional";
}

export interface PlannedFile {
  /** In the volume. */
  readonly path: string;
  readonly mode: number;
  readonly content: Content;
}

/** A part of a volume, bound on `target` before its container is made. */
export interface PlannedSubPath {
  readonly volume: string;
  /** The same volume with owners mapped, for a container in a user namespace. */
  readonly mapped?: string;
  /** Relative, without `..`; links in it are not followed out of the volume. */
  readonly path: string;
  /** The volume is nobody's to write to: what is missing is not made. */
  readonly mustExist?: true;
  readonly target: string;
  /** The user's line. */
  readonly place: string;
}

/** A namespace kept alive by a bind mount on a file, so that no process need hold it. */
export interface PinnedNamespace {
  readonly kind: NamespaceKind;
  /** `pod`, or the container whose private namespace others join. */
  readonly owner: "pod" | ContainerName;
  readonly file: string;
  /**
   * `new`: made by unshare(1) before any container.
   * A container: bound from that container's first process after its `runtime create` (pid, user, cgroup).
   */
  readonly from: "new" | ContainerName;
  /** time only: offsets in seconds. */
  readonly offsets?: Readonly<Record<"monotonic" | "boottime", number>>;
  /** uts only: the host name to set in it. */
  readonly hostname?: string;
  /** Kernel parameters to write in it, by name (parts between dots). */
  readonly sysctls?: Readonly<Record<string, string>>;
}

export interface PlannedPort extends PortMapping {
  /** Marks it as taken; removed when the pod goes down. */
  readonly claim: string;
  /** The manifest's line, or the option. */
  readonly place: string;
}

/** A tmpfs for /dev/shm (mounted by a `mount` step); lives and dies with an ipc namespace. */
export interface SharedMemory {
  readonly owner: "pod" | ContainerName;
  readonly path: string;
  readonly sizeBytes: number;
}

export interface PodCgroup {
  /** `none`: no cgroup is made, and the paths name nothing. */
  readonly driver: "cgroupfs" | "systemd" | "none";
  /** Absolute inside each hierarchy: `/peapod/web`. */
  readonly path: string;
  /** The directory above it that goes when its last pod goes: `/peapod`. */
  readonly base: string;
  /** It was there before the pod and stays after it. */
  readonly isCallers?: true;
}

/** A small file made once and mounted into each container: hosts, hostname, resolv.conf. */
export interface SandboxFile {
  readonly path: string;
  readonly text: string;
  /** What the manifest and its caller want in it, where the rest is from the host. */
  readonly asked?: unknown;
  /** Of a resolv.conf: what it is made of, where networks may name servers once the pod is attached to them. */
  readonly resolver?: { readonly dns: PodDns; readonly host: string };
}

export type PlannedVolume =
  | ({ readonly kind: "directory" } & MadeVolume)
  /** `pageSize`: a hugetlbfs; empty for the machine's default size. */
  | ({ readonly kind: "tmpfs"; readonly sizeBytes: number | undefined; readonly pageSize?: string } & MadeVolume)
  /** A directory that cannot grow: a file system of its own in the file `image`. */
  | ({ readonly kind: "disk"; readonly sizeBytes: number; readonly image: string } & MadeVolume)
  | ({ readonly kind: "files"; readonly files: readonly PlannedFile[]; readonly isSecret: boolean } & MadeVolume)
  /** Outlives the pod. `policy`: of fsGroup. `data`: where it lies, if not at `path`. */
  | ({
      readonly kind: "named";
      readonly claim: string;
      readonly data: string;
      readonly record: string;
      readonly policy: "Always" | "OnRootMismatch";
    } & MadeVolume)
  /** The root file system of an image in the store; never written to. */
  | {
      readonly kind: "image";
      readonly name: string;
      readonly path: string;
      readonly image: string;
      readonly imageId?: string;
      readonly propagation?: "HostToContainer" | "Bidirectional";
    }
  | {
      readonly kind: "host";
      readonly name: string;
      readonly path: string;
      readonly type:
        | ""
        | "DirectoryOrCreate"
        | "Directory"
        | "FileOrCreate"
        | "File"
        | "Socket"
        | "CharDevice"
        | "BlockDevice";
      readonly propagation?: "HostToContainer" | "Bidirectional";
    };

/** `sidecar`: an init container that stays. `pause`: the first process of what the pod shares. */
export type ContainerRole = "init" | "sidecar" | "main" | "pause";

export interface PlannedRestart {
  readonly policy: "Always" | "OnFailure" | "Never";
  /** Codes with which it is started again, whatever the policy. */
  readonly rules: readonly { readonly operator: "In" | "NotIn"; readonly values: readonly number[] }[];
}

export interface PlannedContainer extends PlannedAttendance {
  readonly name: ContainerName;
  readonly role: ContainerRole;
  readonly restart: PlannedRestart;
  readonly paths: ContainerPaths;
  readonly image: string;
  /** What exactly that was: `docker.io/library/nginx@sha256:…`; absent for a directory. */
  readonly imageId?: string;
  /** Its own. */
  readonly imageLabels?: Readonly<Record<string, string>>;
  readonly rootfs: PlannedRootfs;
  readonly process: PlannedProcess;
  /** Set where it has a standard input or a terminal of its own. */
  readonly stdio?: PlannedStdio;
  readonly privileged: boolean;
  /** Whether the profile's seccomp filter is set: not where privileged, nor where the kernel has none. */
  readonly seccomp: boolean;
  /** In place of the profile's own. */
  readonly seccompFilter?: SeccompFilter;
  readonly appArmorProfile?: string;
  readonly seLinux?: { readonly process: string; readonly mounts: string };
  /** Nothing of /proc is hidden or made read-only. */
  readonly procUnmasked?: true;
  /** Parameters of namespaces that the runtime makes for it. */
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly namespaces: Readonly<Record<NamespaceKind, PlannedNamespace>>;
  /** Beyond the profile's own; in mount order. */
  readonly mounts: readonly PlannedMount[];
  /** To be bound before each time that the container is made; see engine/prepare-container.ts. */
  readonly subPaths?: readonly PlannedSubPath[];
  /** Mounts that it makes below a shared volume are passed on to the host. */
  readonly passesMountsOn?: true;
  readonly resources: PlannedResources;
  /** Absolute inside each hierarchy: `/peapod/web/server`. */
  readonly cgroupPath: string;
  readonly hostname: string | undefined;
  /** Only in a user namespace of its own or of the pod: who its users are on the host. */
  readonly idMapping?: IdMapping;
  /** Only where privileged: the host's device nodes. */
  readonly devices?: readonly PlannedDevice[];
  /** What it may open beside the profile's own: devices of the host that it mounts. */
  readonly deviceRules?: readonly PlannedDeviceRule[];
  readonly annotations: Readonly<Record<string, string>>;
  /** Where each decision comes from, by the part of the plan it explains (`process.args`, `namespaces.net`). */
  readonly reasons: Readonly<Record<string, Reason>>;
}

/** `line` names the user's text (`pod.yaml:14 spec.containers[0].command`), else it is a default and says whose. */
export interface Reason {
  readonly source: "manifest" | "image" | "default" | "option";
  readonly where: string;
}

/** `size` ids from `container` on inside are those from `host` on outside (user_namespaces(7)). */
export interface IdRange {
  readonly container: number;
  readonly host: number;
  readonly size: number;
}

export interface IdMapping {
  readonly uids: readonly IdRange[];
  readonly gids: readonly IdRange[];
}

export interface PlannedDevice {
  readonly path: string;
  readonly type: "c" | "b";
  readonly major: number;
  readonly minor: number;
  readonly fileMode: number;
  readonly uid: number;
  readonly gid: number;
}

export interface PlannedDeviceRule {
  readonly type: "c" | "b";
  readonly major: number;
  readonly minor: number;
  readonly access: "r" | "rw";
}

export interface PlannedRootfs {
  /** Absolute; lies under an overlay, never written. None for `_pause`, whose root file system is an empty directory. */
  readonly lower: string | undefined;
  readonly readOnly: boolean;
  /** `lower` itself is the root file system, without an overlay: it is the container's own to write to. */
  readonly isWhole?: boolean;
}

/** As the manifest words them. */
export interface PlannedStdio {
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
  readonly tty: boolean;
}

export interface PlannedProcess {
  readonly args: readonly string[];
  readonly env: readonly string[];
  /** Names that the manifest or the caller set, where that is more than `env` in the manifest says. */
  readonly ownEnv?: readonly string[];
  /** Secrets stand in args or env: here only their names. */
  readonly isSecret?: true;
  readonly cwd: string;
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
  /** With `CAP_`, sorted. */
  readonly capabilities: readonly string[];
  readonly noNewPrivileges: boolean;
}

export type PlannedNamespace =
  /**
   * This container's own. `file`: pinned, because others join it or it has offsets. `from: new` with it says that it
   * is made beforehand and joined by this container too; else the runtime makes it and the file follows.
   */
  | { readonly scope: "private"; readonly file?: string; readonly from?: "new" | "container" }
  | { readonly scope: "host" }
  | { readonly scope: "pod"; readonly file: string }
  | { readonly scope: "container"; readonly container: ContainerName; readonly file: string }
  | { readonly scope: "path"; readonly file: string };

export interface PlannedMount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

export interface PlannedResources {
  readonly cpuShares: number | undefined;
  readonly cpuQuotaUs: number | undefined;
  readonly cpuPeriodUs: number | undefined;
  readonly memoryLimitBytes: number | undefined;
  /** What the kernel leaves to it while others can give some: `memory.low`, in version 1 the soft limit. */
  readonly memoryReservationBytes?: number;
  /** Memory and swap together, as OCI counts; -1: as much as there is. */
  readonly memorySwapBytes?: number;
  /** -1: none. */
  readonly pidsLimit?: number;
  /** As cpuset(7) writes lists: `0-2,5`. */
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
  /** 10 to 1000, as podman and OCI count. */
  readonly blkioWeight?: number;
  readonly blkioDevices?: readonly DeviceLimit[];
  readonly hugepages?: readonly { readonly pageSize: "2MB" | "1GB"; readonly limitBytes: number }[];
  /** The kernel kills all of it or nothing; version 2 only. */
  readonly oomGroup?: boolean;
  /** Of its first process. */
  readonly oomScoreAdj?: number;
}

export interface DeviceLimit {
  readonly kind: "readBps" | "writeBps" | "readIops" | "writeIops";
  readonly major: number;
  readonly minor: number;
  readonly rate: number;
}

/** Kubernetes' three classes: who goes first when memory is short. */
export type QosClass = "Guaranteed" | "Burstable" | "BestEffort";

export interface PodResources {
  readonly qosClass: QosClass;
  /** What the manifest says of the pod itself. */
  readonly own: Partial<PlannedResources>;
  /** What stands on the pod's cgroup: its own, and the containers' together where each has one. */
  readonly limits: Partial<PlannedResources>;
}

/** One mount on the host's side (an overlay, a tmpfs), as mount(8) takes it. */
export interface HostMount {
  readonly target: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
  /** Directories that must be there first; made with mode 0700 unless named here otherwise. */
  readonly directories: readonly HostDirectory[];
}

export interface HostDirectory {
  readonly path: string;
  readonly mode: number;
  /** Owner, where it is not us: the root of a user namespace. */
  readonly uid?: number;
  readonly gid?: number;
}

/** `target` shows the file or directory `source`, and what is mounted below it, with owners mapped. */
export interface IdMappedBind {
  readonly source: string;
  readonly target: string;
}

/** Each names exactly what it needs; `src/engine/steps.ts` has one executor and one undo for each. */
export type Step =
  | { readonly do: "make-cgroup" }
  | { readonly do: "open-uplink" }
  | { readonly do: "make-files" }
  | { readonly do: "make-volumes" }
  /** The namespaces of one owner, in one unshare(1). */
  | { readonly do: "pin-namespaces"; readonly owner: "pod" | ContainerName }
  /** Binds what belongs to the host's users where the pod's see it as theirs: root file systems, volumes. */
  | {
      readonly do: "map-ids";
      readonly maps: readonly IdMappedBind[];
      readonly mapping: IdMapping;
      readonly program: string;
    }
  /** All of them in one mount(8). */
  | { readonly do: "mount"; readonly mounts: readonly HostMount[] }
  /** Asks the plugins of all networks for the pod's addresses, one network after the other. */
  | { readonly do: "attach-networks" }
  | { readonly do: "write-bundles" }
  | { readonly do: "open-io"; readonly container: ContainerName }
  | { readonly do: "create-container"; readonly container: ContainerName }
  /** Binds namespaces of a container's first process on files, for those who join them. */
  | { readonly do: "pin-from-container"; readonly container: ContainerName }
  | { readonly do: "start-container"; readonly container: ContainerName };

/** What is really done: containers that are to run at once are created and started in one call of the runtime. */
export type ClimbStep = Step | { readonly do: "run-container"; readonly container: ContainerName };
