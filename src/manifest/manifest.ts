// The checked manifest: Kubernetes' words, defaults filled in, frozen. What is not here is refused when read.

import type { ContainerName, PodName } from "../base/names.ts";
import type { HugepageSize } from "./hugepages.ts";
import type { ContainerPort, Hooks, Probes } from "./probe.ts";
import type { PodSecurity, SecurityContext } from "./security.ts";

export type { SeLinuxOptions, Sysctl } from "./security.ts";

import type { EnvFrom, EnvSource, FilesSource } from "./sources.ts";

export interface Manifest {
  readonly metadata: Metadata;
  readonly spec: PodSpec;
  readonly source: ManifestSource;
}

export interface Metadata {
  readonly name: PodName;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface PodSpec {
  /** Init containers first, in their order, then the others in theirs. */
  readonly containers: readonly Container[];
  readonly volumes: readonly Volume[];
  /** The first part of the pod's name among hosts; defaults to the pod's name. */
  readonly hostname: string;
  /** The whole host name, whatever the rest says. */
  readonly hostnameOverride?: string;
  readonly subdomain?: string;
  /** The host name is the whole name that `subdomain` makes. */
  readonly setHostnameAsFQDN: boolean;
  readonly hostAliases: readonly HostAlias[];
  readonly dns: PodDns;
  readonly hostNetwork: boolean;
  readonly hostPID: boolean;
  readonly hostIPC: boolean;
  readonly shareProcessNamespace: boolean;
  /** False: a user namespace of the pod's own. */
  readonly hostUsers: boolean;
  readonly securityContext: PodSecurity;
  readonly restartPolicy: RestartPolicy;
  readonly terminationGracePeriodSeconds: number;
  readonly activeDeadlineSeconds: number | undefined;
  /** What the containers may use together, where the manifest says so itself. */
  readonly resources?: Resources;
  /** Whom volumes belong to; every process is in that group. */
  readonly fsGroup?: { readonly gid: number; readonly policy: "Always" | "OnRootMismatch" };
}

/** A line of /etc/hosts. */
export interface HostAlias {
  readonly ip: string;
  readonly hostnames: readonly string[];
}

export interface DnsWords {
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  /** As resolv.conf(5) has them: `ndots:2`, `rotate`. */
  readonly options: readonly string[];
}

/** What is added to the host's resolv.conf; with policy None it is all there is. */
export interface PodDns extends DnsWords {
  readonly policy: "ClusterFirst" | "ClusterFirstWithHostNet" | "Default" | "None";
  /** What the caller says: each stands in place of all that there would be of its kind. */
  readonly instead?: Partial<DnsWords>;
}

export type RestartPolicy = "Always" | "OnFailure" | "Never";

/** Codes with which a container is started again, whatever its policy. */
export interface RestartRule {
  readonly operator: "In" | "NotIn";
  readonly values: readonly number[];
}

export interface Container {
  readonly name: ContainerName;
  /** `sidecar`: an init container with restartPolicy Always. */
  readonly role: "init" | "sidecar" | "main";
  /** JSON pointer of this container in the user's document: `/spec/initContainers/0`. */
  readonly pointer: string;
  /** Its own, or the pod's. */
  readonly restartPolicy: RestartPolicy;
  readonly restartRules: readonly RestartRule[];
  /** As base/image-transports.ts has it; paths are absolute, once checked. */
  readonly image: string;
  /** Absent: by Kubernetes' rule. */
  readonly pullPolicy?: "Always" | "IfNotPresent" | "Never";
  readonly command: readonly string[] | undefined;
  readonly args: readonly string[] | undefined;
  readonly env: readonly EnvVar[];
  /** Before env, which wins over them; a later one wins over an earlier. */
  readonly envFrom?: readonly EnvFrom[];
  readonly workingDir: string | undefined;
  readonly volumeMounts: readonly VolumeMount[];
  readonly resources: Resources;
  readonly securityContext: SecurityContext;
  readonly probes?: Probes;
  readonly hooks?: Hooks;
  /** Kubernetes' name, such as `SIGRTMIN+3`. */
  readonly stopSignal?: string;
  readonly ports?: readonly ContainerPort[];
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
  readonly tty: boolean;
}

export interface EnvVar {
  readonly name: string;
  /** Empty where it comes from elsewhere. */
  readonly value: string;
  readonly from?: EnvSource;
}

export interface VolumeMount {
  readonly name: string;
  readonly mountPath: string;
  readonly readOnly: boolean;
  /** Relative, without `..`. */
  readonly subPath?: string;
  /** The same with `$(NAME)` in it. */
  readonly subPathExpr?: string;
  readonly mountPropagation?: "HostToContainer" | "Bidirectional";
  readonly recursiveReadOnly?: "IfPossible" | "Enabled";
}

export interface Resources {
  /** Thousandths of a core. */
  readonly cpuLimitMilli: number | undefined;
  /** Thousandths of a core; defaults to the limit, as in Kubernetes. */
  readonly cpuRequestMilli: number | undefined;
  readonly memoryLimitBytes: number | undefined;
  /** Defaults to the limit. */
  readonly memoryRequestBytes: number | undefined;
  /** Bytes in huge pages of that size; a request is always the limit. */
  readonly hugepages?: Readonly<Partial<Record<HugepageSize, number>>>;
}

export type Volume =
  | {
      readonly kind: "emptyDir";
      readonly name: string;
      /** `Memory`: a tmpfs; `HugePages…`: a hugetlbfs. */
      readonly medium: "" | "Memory" | "HugePages" | "HugePages-2Mi" | "HugePages-1Gi";
      readonly sizeLimitBytes: number | undefined;
    }
  | { readonly kind: "hostPath"; readonly name: string; readonly path: string; readonly type: HostPathType }
  /** Outlives the pod. */
  | { readonly kind: "claim"; readonly name: string; readonly claim: string; readonly readOnly: boolean }
  /** The files of an image. */
  | {
      readonly kind: "image";
      readonly name: string;
      readonly reference: string;
      readonly pullPolicy?: "Always" | "IfNotPresent" | "Never";
    }
  | FilesVolume;

/** configMap, secret, downwardAPI, projected: files made of what came with the pod. */
export interface FilesVolume {
  readonly kind: "files";
  readonly name: string;
  readonly defaultMode: number;
  /** A later one wins. */
  readonly sources: readonly FilesSource[];
}

export type HostPathType =
  | ""
  | "DirectoryOrCreate"
  | "Directory"
  | "FileOrCreate"
  | "File"
  | "Socket"
  | "CharDevice"
  | "BlockDevice";

export interface ManifestSource {
  /** As the user named it; `-` for standard input. */
  readonly file: string;
  /** Absolute directory that relative paths of the manifest start from. */
  readonly baseDir: string;
  /** JSON pointer into the user's document (`/spec/containers/0/image`) → 1-based line of `file`. */
  readonly lines: Readonly<Record<string, number>>;
  /** What an option said over it: JSON pointer → `--hostname`. */
  readonly options?: Readonly<Record<string, string>>;
}

/** One thing wrong with a manifest. */
export interface Fault {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** As people write it: `spec.containers[0].imagee`; empty for the document itself. */
  readonly path: string;
  /** `unknown field`, with what is allowed and the nearest name. */
  readonly message: string;
}
