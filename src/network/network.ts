// What a network is to peapod: a configuration list of the Container Network Interface, and what its plugins are asked
// and answer. See CNI specification 1.1.0, "Section 1: Network configuration format".

export const CNI_VERSIONS = ["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] as const;
export type CniVersion = (typeof CNI_VERSIONS)[number];

/** As its author wrote it: only the plugin knows what most of it means. */
export interface PluginConfig {
  readonly type: string;
  readonly capabilities?: Readonly<Record<string, boolean>>;
  readonly [field: string]: unknown;
}

/** A configuration list, checked. */
export interface NetworkList {
  readonly name: string;
  readonly cniVersion: CniVersion;
  /** The file that it was read from; absent for peapod's own. */
  readonly file?: string;
  readonly disableCheck?: true;
  readonly disableGC?: true;
  readonly plugins: readonly PluginConfig[];
}

/** One network that a pod is attached to: all that its plugins are asked with, on the way up and on the way down. */
export interface PlannedNetwork {
  readonly name: string;
  /** In the pod: `eth0`. */
  readonly interface: string;
  /** Names the pod to the plugins; no other pod on this machine has it, nor will have. */
  readonly containerId: string;
  /** Path of its pinned network namespace. */
  readonly netns: string;
  readonly list: NetworkList;
  /** Directories in which plugins are looked for. */
  readonly path: readonly string[];
  /** Milliseconds after which a plugin is killed. */
  readonly timeoutMs: number;
  /** CNI_ARGS. */
  readonly args: Readonly<Record<string, string>>;
  /** For those plugins that declare them. */
  readonly capabilities: Readonly<Record<string, unknown>>;
  /** What the attachment must bring, since the user asked for it. */
  readonly wanted: { readonly ips: readonly string[]; readonly mac?: string };
  /** Its attachment record; see records.ts. */
  readonly record: string;
}

export type Verb = "ADD" | "CHECK" | "DEL" | "GC" | "STATUS";

/** One run of one plugin. */
export interface PluginCall {
  readonly type: string;
  readonly env: Readonly<Record<string, string>>;
  /** JSON, for its stdin. */
  readonly config: string;
}

/** What a plugin answers to ADD, as it stands there: it is handed on to the next one. */
export type PluginResult = Readonly<Record<string, unknown>>;

export interface AttachedAddress {
  readonly address: string;
  readonly prefix: number;
  readonly gateway?: string;
}

/** One network of a pod that is up. */
export interface AttachedNetwork {
  readonly name: string;
  readonly interface: string;
  readonly mac?: string;
  readonly ips: readonly AttachedAddress[];
}

/** What the networks say of names, all together. */
export interface NetworkDns {
  readonly nameservers: readonly string[];
  readonly search: readonly string[];
  readonly options: readonly string[];
}

export interface PortMapping {
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: "tcp" | "udp" | "sctp";
  /** Absent: all addresses of the host. */
  readonly hostIP?: string;
}
