// The plan: all our decisions about one pod, as data. It is made once, written to plan.json, and everything
// later (bundles, host, engine, doctor) acts on it without deciding anew.

import type { ContainerName, PodName } from "../base/names.ts";
import type { ContainerPaths, PodPaths } from "../base/paths.ts";
import type { PlannedAttendance } from "./attendance.ts";
import type { OuterContainer } from "./outer.ts";

export const NAMESPACE_KINDS = ["net", "ipc", "uts", "pid", "user", "cgroup", "time", "mnt"] as const;
export type NamespaceKind = (typeof NAMESPACE_KINDS)[number];

export interface Plan {
  readonly version: 1;
  readonly pod: PodName;
  readonly root: string;
  readonly paths: PodPaths;
  readonly runtime: RuntimeChoice;
  /** Node's word for the processor: `x64`, `arm64`; seccomp filters differ by it. */
  readonly arch: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly stopGraceMs: number;
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
  /** Those that the pod began with, in their order; set where members have come or gone since. */
  readonly firstMembers?: readonly {
    readonly name: ContainerName;
    readonly role: ContainerRole;
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
  readonly files: readonly SandboxFile[];
  readonly volumes: readonly PlannedVolume[];
  /**
   * Directories that the root of a user namespace, who is nobody on the host, must pass through to his root file
   * system: mode 0711 where others are 0700. Empty in a pod without user namespaces. Made so by `write-bundles`.
   */
  readonly passable: readonly string[];
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
}

/** A tmpfs for /dev/shm (mounted by a `mount` step); lives and dies with an ipc namespace. */
export interface SharedMemory {
  readonly owner: "pod" | ContainerName;
  readonly path: string;
  readonly sizeBytes: number;
}

export interface PodCgroup {
  readonly driver: "cgroupfs" | "systemd";
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
}

export type PlannedVolume =
  | { readonly kind: "directory"; readonly name: string; readonly path: string }
  | { readonly kind: "tmpfs"; readonly name: string; readonly path: string; readonly sizeBytes: number | undefined }
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
  readonly rootfs: PlannedRootfs;
  readonly process: PlannedProcess;
  readonly privileged: boolean;
  /** Whether the profile's seccomp filter is set: not where privileged, nor where the kernel has none. */
  readonly seccomp: boolean;
  readonly namespaces: Readonly<Record<NamespaceKind, PlannedNamespace>>;
  /** Beyond the profile's own; in mount order. */
  readonly mounts: readonly PlannedMount[];
  readonly resources: PlannedResources;
  /** Absolute inside each hierarchy: `/peapod/web/server`. */
  readonly cgroupPath: string;
  readonly hostname: string | undefined;
  /** Only in a user namespace of its own or of the pod: who its users are on the host. */
  readonly idMapping?: IdMapping;
  /** Only where privileged: the host's device nodes. */
  readonly devices?: readonly PlannedDevice[];
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

export interface PlannedRootfs {
  /** Absolute; lies under an overlay, never written. None for `_pause`, whose root file system is an empty directory. */
  readonly lower: string | undefined;
  readonly readOnly: boolean;
  /** `lower` itself is the root file system, without an overlay: it is the container's own to write to. */
  readonly isWhole?: boolean;
}

export interface PlannedProcess {
  readonly args: readonly string[];
  readonly env: readonly string[];
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

/** Each names exactly what it needs; `src/engine/steps.ts` has one executor and one undo for each. */
export type Step =
  | { readonly do: "make-cgroup" }
  | { readonly do: "make-files" }
  | { readonly do: "make-volumes" }
  /** The namespaces of one owner, in one unshare(1). */
  | { readonly do: "pin-namespaces"; readonly owner: "pod" | ContainerName }
  /** All of them in one mount(8). */
  | { readonly do: "mount"; readonly mounts: readonly HostMount[] }
  | { readonly do: "write-bundles" }
  | { readonly do: "open-io"; readonly container: ContainerName }
  | { readonly do: "create-container"; readonly container: ContainerName }
  /** Binds namespaces of a container's first process on files, for those who join them. */
  | { readonly do: "pin-from-container"; readonly container: ContainerName }
  | { readonly do: "start-container"; readonly container: ContainerName };

/** What is really done: containers that are to run at once are created and started in one call of the runtime. */
export type ClimbStep = Step | { readonly do: "run-container"; readonly container: ContainerName };
