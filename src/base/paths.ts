// Every path that peapod touches, in one place. Nothing here does I/O.

import { dirname, join } from "node:path";
import type { ContainerName, PodName } from "./names.ts";

export const DEFAULT_ROOT = "/run/peapod";
export const DEFAULT_LOG_ROOT = "/var/log/peapod";
export const DEFAULT_VOLUME_ROOT = "/var/lib/peapod/volumes";
const DEFAULT_CHECKPOINT_ROOT = "/var/lib/peapod/checkpoints";
export const DEFAULT_IMAGE_ROOT = "/var/lib/peapod/images";

/** The directories of one pod under `<root>/pods/<pod>`; mode 0700. */
export interface PodPaths {
  readonly pod: PodName;
  readonly dir: string;
  readonly manifest: string;
  /** What the user wrote, as data. */
  readonly document: string;
  readonly plan: string;
  readonly journal: string;
  readonly exits: string;
  readonly socket: string;
  readonly supervisorLog: string;
  readonly namespaces: string;
  readonly sharedMemory: string;
  readonly files: string;
  readonly volumes: string;
  /** A tmpfs for what must not be on disk; only in a pod with Secrets. */
  readonly vault: string;
  /** What the pod is to become, while it changes. */
  readonly next: string;
  /** The last change for which all stands ready. */
  readonly prepared: string;
  /** Parts of volumes that containers mount by subPath. */
  readonly subPaths: string;
  readonly bundles: string;
  readonly runtimeRoot: string;
  /** Output and `--log` files of runtime calls, so that a call outlives the supervisor that made it. */
  readonly calls: string;
  readonly io: string;
  readonly logs: string;
}

/** The directories of one container of a pod. */
export interface ContainerPaths {
  readonly bundle: string;
  readonly config: string;
  /** Mount point of the container's overlay. */
  readonly rootfs: string;
  readonly upper: string;
  readonly work: string;
  /** Overlays of the volumes that its image declares. */
  readonly imageVolumes: string;
  readonly pidFile: string;
  readonly stdout: string;
  readonly stderr: string;
  /** FIFO, where the container has a standard input. */
  readonly stdin: string;
  /** Unix socket on which the runtime hands over the container's terminal, where it has one. */
  readonly console: string;
  /** Lock and pid of the process that keeps terminal or stdin for the next io. */
  readonly ioKeeper: string;
  /** Lock and pid of the container's io process. */
  readonly ioLock: string;
  /** Unix socket on which io serves attach clients. */
  readonly attach: string;
  readonly logDir: string;
}

export function podsDir(root: string): string {
  return join(root, "pods");
}

/** Where peapod-oci keeps what belongs to callers' containers, by the name of the pod in each; see doors/oci/pod.c. */
export function sandboxesDir(root: string): string {
  return join(root, "sandboxes");
}

export function makePodPaths(root: string, pod: PodName): PodPaths {
  const dir = join(podsDir(root), pod);
  return {
    pod,
    dir,
    manifest: join(dir, "manifest.json"),
    document: join(dir, "pod.json"),
    plan: join(dir, "plan.json"),
    journal: join(dir, "journal"),
    exits: join(dir, "exits"),
    socket: join(dir, "control.sock"),
    supervisorLog: join(dir, "supervisor.log"),
    namespaces: join(dir, "ns"),
    sharedMemory: join(dir, "shm"),
    files: join(dir, "files"),
    volumes: join(dir, "volumes"),
    vault: join(dir, "vault"),
    next: join(dir, "next"),
    prepared: join(dir, "prepared"),
    subPaths: join(dir, "subpaths"),
    bundles: join(dir, "bundles"),
    runtimeRoot: join(dir, "runc"),
    calls: join(dir, "calls"),
    io: join(dir, "io"),
    logs: join(logRootFor(root), pod),
  };
}

export function makeContainerPaths(pod: PodPaths, container: ContainerName): ContainerPaths {
  const bundle = join(pod.bundles, container);
  const io = join(pod.io, container);
  return {
    bundle,
    config: join(bundle, "config.json"),
    rootfs: join(bundle, "rootfs"),
    upper: join(bundle, "upper"),
    work: join(bundle, "work"),
    imageVolumes: join(bundle, "volumes"),
    pidFile: join(bundle, "pid"),
    stdout: join(io, "stdout"),
    stderr: join(io, "stderr"),
    stdin: join(io, "stdin"),
    console: join(io, "console.sock"),
    ioKeeper: join(io, "keeper"),
    ioLock: join(io, "lock"),
    attach: join(io, "attach.sock"),
    logDir: join(pod.logs, container),
  };
}

/** A named volume, which outlives pods. */
export interface VolumePaths {
  readonly dir: string;
  /** What containers mount. */
  readonly data: string;
  /** Who made it, and when. */
  readonly record: string;
}

/** Named volumes of the default root lie where such things lie; a root of one's own keeps its volumes beside it. */
export function volumesDir(root: string): string {
  return root === DEFAULT_ROOT ? DEFAULT_VOLUME_ROOT : join(root, "volumes");
}

export function makeVolumePaths(root: string, volume: string): VolumePaths {
  const dir = join(volumesDir(root), volume);
  return { dir, data: join(dir, "data"), record: join(dir, "volume.json") };
}

export function attemptLog(container: ContainerPaths, attempt: number): string {
  return join(container.logDir, `${attempt}.log`);
}

/** Checkpoints hold all of a pod's memory, so they lie on disk, not in `/run`. */
export function checkpointsDir(root: string): string {
  return root === DEFAULT_ROOT ? DEFAULT_CHECKPOINT_ROOT : join(root, "checkpoints");
}

/** There only while the pod is checkpointed, or becomes so, or is being restored. */
export function checkpointDir({ dir, pod }: Pick<PodPaths, "dir" | "pod">): string {
  return join(checkpointsDir(dirname(dirname(dir))), pod);
}

/** The store of images; see image/store/store-paths.ts. */
export function imagesDir(root: string): string {
  return root === DEFAULT_ROOT ? DEFAULT_IMAGE_ROOT : join(root, "images");
}

/** What may be forgotten at any time: it outlives the pods, so it is not in `/run`. */
export function makeCacheDir(root: string): string {
  return root === DEFAULT_ROOT ? "/var/cache/peapod" : root;
}

/** Which ranges of host ids are taken by user namespaces: there is one set of ids, whatever the root. */
export const IDS_DIR = join(DEFAULT_ROOT, "ids");

/** Which ports of the host are taken by pods: there is one set of ports, whatever the root. */
export const PORTS_DIR = join(DEFAULT_ROOT, "ports");

/**
 * What pods are attached to, one record each. On a disk, since the addresses that plugins give away may be remembered on
 * one, too: after a crash of the machine the records tell what is to be given back.
 */
export const ATTACHMENTS_DIR = "/var/lib/peapod/attachments";

/** Seccomp profiles that manifests name by relative paths, as in the kubelet's /var/lib/kubelet/seccomp. */
export function makeSeccompDir(root: string): string {
  return root === DEFAULT_ROOT ? "/var/lib/peapod/seccomp" : join(root, "seccomp");
}

/** Logs of the default root lie where logs lie; a root of one's own keeps its logs beside it. */
function logRootFor(root: string): string {
  return root === DEFAULT_ROOT ? DEFAULT_LOG_ROOT : join(root, "logs");
}

/**
 * The pod's cgroup, as an absolute path inside each hierarchy. Two roots may hold pods of one name,
 * so a root of one's own gets a base of its own.
 */
export function makePodCgroup(root: string, pod: PodName): string {
  return `${makeCgroupBase(root)}/${pod}`;
}

export function makeCgroupBase(root: string): string {
  if (root === DEFAULT_ROOT) return "/peapod";
  return `/peapod-${shortHash(root)}`;
}

/** FNV-1a, 32 bits: enough to keep a few paths apart, and Node's crypto would take 4 ms to load. */
export function shortHash(text: string): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}
