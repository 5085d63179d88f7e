// What this machine is, as far as plans depend on it. Read once, passed as data.

export interface HostFacts {
  readonly kernel: string;
  /** Node's word: `x64`, `arm64`. */
  readonly arch: string;
  readonly cgroupLayout: "v1" | "hybrid" | "v2";
  /** v1 controllers with their mount points; `unified` for v2's. */
  readonly cgroupMounts: Readonly<Record<string, string>>;
  readonly isRoot: boolean;
  readonly hasTimeNamespaces: boolean;
  readonly hasSeccomp: boolean;
  /** Names without `CAP_` that we ourselves hold: nobody can hand on what he lacks. */
  readonly capabilities: readonly string[];
  /** The host's own name, for containers that share its uts namespace. */
  readonly hostname?: string;
  /** First host id and number of ids that user namespaces map to; 100000 and 65536 unless told (subuid(5)). */
  readonly subordinateIds?: { readonly uid: SubordinateIds; readonly gid: SubordinateIds };
  /** How many processors there are. */
  readonly cpus?: number;
  /** All of its memory. */
  readonly memoryBytes?: number;
  /** By which others reach it: the address of the interface that the default route leads through. */
  readonly address?: string;
  /** Sizes of huge pages: `2048kB`; undefined or empty where there are none. */
  readonly hugePages?: readonly string[];
  /** Device nodes below /dev, for privileged containers. */
  readonly devices?: readonly HostDevice[];
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
