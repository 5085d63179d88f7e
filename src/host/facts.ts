// What this machine is, as far as plans depend on it. Read once, passed as data.

export interface HostFacts {
  readonly kernel: string;
  /** Node's word: `x64`, `arm64`. */
  readonly arch: string;
  readonly cgroupLayout: "v1" | "hybrid" | "v2";
  /** v1 controllers with their mount points; `unified` for v2's. Empty where none is ours to make cgroups in. */
  readonly cgroupMounts: Readonly<Record<string, string>>;
  readonly isRoot: boolean;
  /** Set in a user namespace (docs/rootless.md): what only the machine's root may do is refused. */
  readonly user?: UserFacts;
  readonly hasTimeNamespaces: boolean;
  readonly hasSeccomp: boolean;
  /** Names of the profiles that are loaded; undefined where the kernel has no AppArmor. */
  readonly appArmorProfiles?: readonly string[];
  readonly hasSeLinux?: boolean;
  /** Names without `CAP_` that we ourselves hold: nobody can hand on what he lacks. */
  readonly capabilities: readonly string[];
  /** Controllers of the version 2 tree; undefined: those that there usually are. */
  readonly cgroupControllers?: readonly string[];
  /** All memory of this machine. */
  readonly memoryBytes?: number;
  /** Our own standing with the kernel's out-of-memory killer, see proc_pid_oom_score_adj(5). */
  readonly oomScoreAdj?: number;
  /** Whether a cgroup's use of swap can be bounded. */
  readonly limitsSwap?: boolean;
  /** The host's own name, for containers that share its uts namespace. */
  readonly hostname?: string;
  /** Host ids that user namespaces map to (subuid(5)): all that there are, or those of one pod. */
  readonly subordinateIds?: { readonly uid: SubordinateIds; readonly gid: SubordinateIds };
  /** How many processors there are. */
  readonly cpus?: number;
  /** By which others reach it: the address of the interface that the default route leads through. */
  readonly address?: string;
  /** Sizes of huge pages: `2048kB`; undefined or empty where there are none. */
  readonly hugePages?: readonly string[];
  /** Device nodes below /dev, for privileged containers. */
  readonly devices?: readonly HostDevice[];
}

export interface UserFacts {
  /** Who root is outside. */
  readonly uid: number;
  /** How many ids there are, from 0 on. */
  readonly uids: number;
  readonly gids: number;
  /** The cgroup that was handed down to the user, as a path inside version 2's hierarchy; undefined: none. */
  readonly cgroup?: string;
  /** Programs that carry packets for a pod, by name; those that are installed. */
  readonly uplinks?: { readonly pasta?: string; readonly slirp4netns?: string };
  /** Whether they may: /dev/net/tun is open to us. */
  readonly hasTun?: boolean;
  /** The lowest port that is not root's alone. */
  readonly firstPort?: number;
}

export interface SubordinateIds {
  readonly first: number;
  readonly count: number;
}

export interface HostDevice {
  readonly path: string;
  readonly type: "c" | "b";
  readonly major: number;
  readonly minor: number;
  /** Permission bits only. */
  readonly fileMode: number;
  readonly uid: number;
  readonly gid: number;
}
