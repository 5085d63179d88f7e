// What every door stands on. Nothing here knows of a door's words, exit codes or spelling.

import type { PeapodError } from "../base/errors.ts";
import type { ContainerName, PodName } from "../base/names.ts";
import type { ImageConfig } from "../image/image.ts";
import type { PullNews } from "../image/pull/news.ts";
import type { Manifest } from "../manifest/manifest.ts";
import type { ReadMore, WrittenManifest } from "../manifest/read-written.ts";
import type { SaidNames } from "../manifest/said-names.ts";
import type { NetworkList } from "../network/network.ts";
import type { Plan, PlannedPort, PlannedResources, QosClass, Sandbox } from "../plan/plan.ts";
import type { ResourceChange } from "../plan/resource-change.ts";
import type { Event } from "../state/event.ts";
import type { PodState } from "../state/pod-state.ts";
import type { StatsFrame, StatsRequest } from "./looking/stats.ts";
import type { Notice } from "./notify-systemd.ts";

export type { PullNews } from "../image/pull/news.ts";
export type { SaidNames } from "../manifest/said-names.ts";
export type { ResourceChange } from "../plan/resource-change.ts";
export type { ContainerStats, PodStats, StatsFrame, StatsRequest, Usage } from "./looking/stats.ts";

/** What holds for all that one caller asks. */
export interface EngineOptions {
  /** State directory; `/run/peapod` unless told. */
  readonly root: string;
  /** `runc`, `crun` or a path. */
  readonly runtime: string;
  readonly cgroupDriver: "cgroupfs" | "systemd";
}

/** Everything that can be known without disturbing the pod: read from its directory and the kernel. */
export interface PodReader {
  /** All pods below the root, by name. */
  list(): Promise<readonly PodState[]>;
  /** @throws NOT_FOUND, STATE_DAMAGED */
  state(pod: PodName): Promise<PodState>;
  plan(pod: PodName): Promise<Plan>;
  manifest(pod: PodName): Promise<Manifest>;
  /** The limits that hold now: the plan's, with what updates changed. */
  resources(pod: PodName): Promise<ResourceReport>;
  /**
   * Events after `since` (0: all; undefined: all that are kept); follows until the pod is deleted or the signal aborts.
   * @throws NOT_FOUND, STATE_DAMAGED, TOO_OLD where events after `since` are not kept any more
   */
  events(
    pod: PodName,
    more: { since?: number | undefined; follow: boolean; signal?: AbortSignal },
  ): AsyncIterable<Event>;
  /**
   * The state after each event that comes after number `since`, until the pod is deleted or the signal aborts; of events
   * that are not kept any more what they led to. @throws NOT_FOUND, STATE_DAMAGED
   */
  states(pod: PodName, more: { since: number; signal?: AbortSignal | undefined }): AsyncIterable<PodState>;
}

/** One pod's supervisor, asked over its control socket. Each call survives the supervisor's death: it is asked again. */
export interface PodClient {
  /** @throws WRONG_STATE unless created; RUNTIME_FAILED */
  start(): Promise<PodState>;
  stop(more: { graceMs?: number }): Promise<PodState>;
  /** The pod, from its first init container on; or these containers. @throws NOT_FOUND, WRONG_STATE, RUNTIME_FAILED */
  restart(more: { containers?: readonly string[]; graceMs?: number }): Promise<PodState>;
  /**
   * Makes the pod what another manifest says, while it runs: containers come, go, and are replaced.
   * @throws BAD_MANIFEST, NOT_SUPPORTED where something cannot change (then nothing was done), WRONG_STATE
   */
  change(manifest: ReadMore & { readonly file: string }): Promise<PodState>;
  /** To one container, or all. `signal`: `TERM`, `SIGTERM` or `15`. @throws NOT_FOUND, WRONG_STATE, BAD_USAGE */
  kill(more: { signal: string; container?: string; all?: boolean }): Promise<PodState>;
  pause(): Promise<PodState>;
  resume(): Promise<PodState>;
  /**
   * All processes on disk as they are at one instant, and ended. @throws NOT_SUPPORTED, HOST_LACKS, WRONG_STATE,
   * RUNTIME_FAILED with CRIU's reason; then the pod goes on as before
   */
  checkpoint(more: CheckpointRequest): Promise<PodState>;
  /** Takes them up again. @throws HOST_LACKS, WRONG_STATE, RUNTIME_FAILED; then the pod stays checkpointed */
  restore(more: RestoreRequest): Promise<PodState>;
  /**
   * Limits of these containers, or of the pod itself where none is named; all of it or nothing.
   * @throws NOT_FOUND, WRONG_STATE, BAD_USAGE, RUNTIME_FAILED where the kernel does not take one
   */
  update(more: { containers: readonly string[]; resources: ResourceChange }): Promise<PodState>;
  /** Returns when nothing of the pod is left, its reaper included. @throws WRONG_STATE while it runs, unless forced */
  delete(more: { force?: boolean }): Promise<void>;
  /** @throws NOT_FOUND, WRONG_STATE where it ends before it is what is waited for */
  wait(more: WaitRequest): Promise<PodState>;
}

export interface RestoreRequest {
  /** Absolute path of the program, instead of the first `criu` on the PATH. */
  readonly criu?: string;
  /** CRIU's logs stay below the pod's directory. */
  readonly keep?: boolean;
}

export interface CheckpointRequest extends RestoreRequest {
  /** TCP connections within the pod as well. */
  readonly tcpEstablished?: boolean;
  readonly fileLocks?: boolean;
}

export interface WaitRequest {
  /** Until these have ended, instead of the pod. */
  readonly containers?: readonly string[];
  /** `exited` unless told. */
  readonly until?: "exited" | "ready" | "initialized";
  /** Aborted: TIMED_OUT. */
  readonly signal?: AbortSignal;
}

/** Everything that a door can ask for. `open-engine.ts` makes one. */
export interface Engine {
  readonly reader: PodReader;
  client(pod: PodName): PodClient;
  /** The decisions for a manifest, touching nothing. @throws BAD_MANIFEST (detail: `Fault[]`), NOT_FOUND, NOT_SUPPORTED */
  plan(request: PlanRequest): Promise<Plan>;
  /**
   * Makes a pod, and starts it where asked. Inside a supervisor that the reaper started it becomes that pod's
   * supervisor; elsewhere it has one started and waits for it. Aborted, it undoes all and throws CANCELED.
   */
  up(request: UpRequest): Promise<PodState>;
  /** A manifest to begin with, as YAML text. */
  template(): Promise<string>;
  /** The manifest of a pod that is there, as YAML text without comments. @throws NOT_FOUND, STATE_DAMAGED */
  generate(pod: PodName): Promise<string>;
  /** OCI bundles below `outDir`, one directory a container. @throws ALREADY_EXISTS where that is not empty */
  bundle(request: PlanRequest & { readonly outDir: string }): Promise<BundleReport>;
  /**
   * One OCI image out of a manifest and the images that its containers name, made by an installed builder. Returns when
   * the builder has it. @throws BAD_USAGE, BAD_MANIFEST, NOT_FOUND, HOST_LACKS, RUNTIME_FAILED, CANCELED
   */
  buildImage(request: BuildImageRequest): Promise<void>;
  /** The call that runs one more command in a container. @throws NOT_FOUND, WRONG_STATE, BAD_USAGE */
  execCommand(pod: PodName, request: ExecRequest): Promise<ExecCommand>;
  /**
   * The container's streams from now on, with its input.
   * @throws NOT_FOUND, WRONG_STATE, NOT_SUPPORTED, BAD_USAGE where the pod has several containers and none is named
   */
  attach(pod: PodName, request: AttachRequest): Promise<Attachment>;
  /**
   * What one container wrote, oldest first. With `follow` it ends by itself once the container has ended and
   * all that it wrote has been yielded; without, at the end of what is there. An abort ends it quietly.
   */
  logs(pod: PodName, request: LogRequest): AsyncIterable<LogEntry>;
  /** Processes of all containers as the kernel has them now, by container in manifest order, then by pid. */
  processes(pod: PodName): Promise<readonly PodProcess[]>;
  /** What pods use, look after look; the first frame comes after one interval. @throws NOT_FOUND */
  stats(request: StatsRequest): AsyncIterable<StatsFrame>;
  /** The namespaces as the kernel has them now, ready to be read. */
  namespaces(request: NamespaceRequest): Promise<NamespaceReport>;
  readonly volumes: NamedVolumes;
  readonly networks: Networks;
  readonly images: Images;
  doctor(request: { readonly fix: boolean }): Promise<DoctorReport>;
  /** To systemd, where `socket` (NOTIFY_SOCKET) names it; what fails by that is only told. See sd_notify(3). */
  notify(socket: string, notice: Notice): Promise<string | undefined>;
  /** Holds a journal against the rules of events. */
  verify(what: { readonly pod: PodName } | { readonly journal: string }): Promise<VerifyReport>;
}

export interface PlanRequest extends ReadMore {
  /** Path of the manifest; `-`: `stdinText` is its text. */
  readonly file: string;
  /** Instead of metadata.name. */
  readonly name?: string;
  /** Variables of every container, in place of the manifest's. */
  readonly env?: Readonly<Record<string, string>>;
  /** `--network`: in podman's words, in place of the manifest's. */
  readonly networks?: readonly string[];
  /** PEAPOD_NETWORK: the same, where neither that nor the manifest says anything. */
  readonly usualNetwork?: string;
  /** `--publish`, beside the manifest's hostPort. */
  readonly publish?: readonly string[];
  /** Names and name servers, over those of the manifest. */
  readonly names?: SaidNames;
  readonly outer?: OuterRequest;
  /** It is not only looked at: host ids for its user namespace, where it has one, are taken for it. */
  readonly takesIds?: boolean;
  /** Those that it has taken, where it is there already. */
  readonly idsFile?: string;
  /** Nobody will attach it to anything. */
  readonly isBundle?: true;
  /** The networks and ports of a pod that is there already, which stay as they are. */
  readonly attached?: Attached;
  /** False: no image is pulled; of one that is not here only what it says of itself is read, where it is. */
  readonly pulls?: boolean;
  /** Hears how far pulls are. */
  readonly tellPull?: (news: PullNews) => void;
  /** Aborted: what is being pulled is given up. */
  readonly signal?: AbortSignal;
  /** The pod's, where it is there already. */
  readonly uid?: string;
  /** The manifest's text, for who has not the file; `file` is what faults call it. */
  readonly written?: WrittenManifest;
}

/** A container that a caller made for the pod to live in, with what runc made of it. */
export interface OuterRequest {
  /** Ours beside it, with the caller's own config.json. */
  readonly dir: string;
  readonly bundle: string;
  /** Its first process. */
  readonly pid: number;
  /** The manifest's path as the container sees it; `file` is where it lies on the host. */
  readonly manifest: string;
}

export interface Attached extends Pick<Sandbox, "networks" | "podIPs"> {
  readonly ports: readonly Omit<PlannedPort, "claim">[];
}

export interface UpRequest extends PlanRequest {
  readonly start: boolean;
}

/** Volumes that outlive pods. */
export interface NamedVolumes {
  /** By name. */
  list(): Promise<readonly NamedVolume[]>;
  /** @throws NOT_FOUND */
  inspect(name: string): Promise<NamedVolume>;
  /** With all that is in it. @throws NOT_FOUND, WRONG_STATE where a pod uses it */
  remove(name: string): Promise<void>;
  /** Removes those that no pod uses; their names. */
  prune(): Promise<readonly string[]>;
}

export interface NamedVolume {
  readonly name: string;
  /** Where its files lie. */
  readonly path: string;
  /** RFC 3339; undefined where that is not known any more. */
  readonly createdAt: string | undefined;
  /** The pod that made it. */
  readonly createdBy: string | undefined;
  readonly usedBy: readonly PodName[];
}

/** What pods can be attached to. */
export interface Networks {
  /** In the order of their files, peapod's own last; without files it is the one that pods get. */
  list(): Promise<readonly NetworkSummary[]>;
  /** The configuration as it is used. @throws NOT_FOUND, BAD_MANIFEST */
  inspect(name: string): Promise<NetworkList>;
  /** Asks the plugins whether a pod still has what they gave it; what they complain of. @throws NOT_FOUND */
  check(pod: PodName): Promise<readonly PeapodError[]>;
}

export interface NetworkSummary {
  readonly name: string;
  /** Undefined: peapod's own. */
  readonly file: string | undefined;
  readonly cniVersion: string;
  readonly plugins: readonly string[];
  /** A pod that asks for nothing gets it. */
  readonly isUsual: boolean;
  /** Of those that records tell of, whatever their root. */
  readonly pods: readonly string[];
  /** What is wrong with its file, or what a plugin says of its own readiness (CNI 1.1's STATUS). */
  readonly fault?: string;
}

/** The store of images. */
export interface Images {
  /** The latest pulled first. */
  list(): Promise<readonly KeptImage[]>;
  /** By name, or digits of its digest. @throws NOT_FOUND, BAD_USAGE */
  inspect(word: string): Promise<KeptImage>;
  /** The digest. @throws NOT_FOUND, NOT_PERMITTED, NOT_SUPPORTED, RUNTIME_FAILED, TIMED_OUT, CANCELED, HOST_LACKS */
  pull(request: PullRequest): Promise<string>;
  /**
   * One of several names alone, else the image with all that is its own.
   * @returns what was removed
   * @throws NOT_FOUND, WRONG_STATE where a pod uses it (detail: `usedBy`)
   */
  remove(word: string): Promise<string>;
  /** Those that no pod uses and that have no name; with `all` those with names, too. Their digests. */
  prune(more: { readonly all: boolean }): Promise<readonly string[]>;
  /** What it takes on the disk. */
  measure(): Promise<readonly ImageUse[]>;
}

export interface KeptImage {
  readonly digest: string;
  readonly configDigest: string;
  readonly names: readonly string[];
  readonly ids: readonly string[];
  readonly createdAt: string | undefined;
  readonly pulledAt: string | undefined;
  readonly platform: string;
  readonly layers: readonly { readonly digest: string; readonly sizeBytes: number }[];
  readonly config: ImageConfig;
  /** Where its files lie. */
  readonly rootfs: string;
  /** Of its files. */
  readonly sizeBytes: number;
  readonly usedBy: readonly PodName[];
}

export interface PullRequest {
  readonly image: string;
  readonly policy: "Always" | "IfNotPresent";
  readonly signal?: AbortSignal;
  readonly tellPull?: (news: PullNews) => void;
}

export interface ImageUse {
  readonly kind: "root file systems" | "layers as pulled";
  readonly count: number;
  readonly sizeBytes: number;
  /** Of images that no pod uses. */
  readonly reclaimableBytes: number;
}

export interface BundleReport {
  readonly plan: Plan;
  readonly bundles: readonly { readonly container: ContainerName; readonly dir: string }[];
}

export interface BuildImageRequest extends ReadMore {
  /** Path of the manifest, whose containers may name ordinary images; `-`: `stdinText` is its text. */
  readonly file: string;
  /** Name of the new image. */
  readonly tag: string;
  /** `podman`, `docker`, `buildah` or a path; the first that is installed unless told. */
  readonly builder?: string;
  readonly signal?: AbortSignal;
  /** Hears, in a few words each, of what takes long. */
  readonly tell?: (what: string) => void;
}

export interface ExecRequest {
  /** May be left out where the pod has one container. */
  readonly container?: string;
  readonly args: readonly string[];
  readonly tty: boolean;
  /** With `tty`: the keys, one byte each, that leave the command and let it run. */
  readonly detachKeys?: readonly number[];
  /** `NAME=value`. */
  readonly env: readonly string[];
  readonly cwd?: string;
  /** `USER` or `USER:GROUP`, each a number or a name of the container's own account files. */
  readonly user?: string;
}

/** To be run with the caller's own stdin, stdout and stderr. */
export interface ExecCommand {
  readonly program: string;
  readonly args: readonly string[];
  /** After it ended with a failure: the runtime's own error, where the command was never begun. */
  explain?(): Promise<PeapodError | undefined>;
  /** To be called once it has ended, however: takes away what was made for it. */
  done?(): void;
}

export interface AttachRequest {
  /** May be left out where the pod has one container. */
  readonly container?: string;
  /** With a terminal all is stdout. */
  readonly onOutput: (stream: "stdout" | "stderr", bytes: Buffer) => void;
  /** So many bytes were not sent, since `onOutput` took too long. */
  readonly onSkipped: (bytes: number) => void;
}

export interface Attachment {
  readonly container: ContainerName;
  readonly hasTerminal: boolean;
  /** Its manifest says so, and nobody has ended it yet. */
  readonly hasInput: boolean;
  /** Resolves when the container has ended and all that it wrote was told, or when it was closed. */
  readonly ended: Promise<void>;
  /** With stdinOnce the container's input ends with whoever opened it first. */
  openInput(): void;
  /** Resolves when more may follow. */
  write(bytes: Buffer): Promise<void>;
  endInput(): void;
  resize(rows: number, columns: number): void;
  /** The container goes on. */
  close(): void;
}

export interface LogRequest {
  readonly container: ContainerName;
  /** RFC 3339, UTC, nine digits of a second: comparable as text. */
  readonly since?: string;
  /** Only up to that time, in the same form. */
  readonly before?: string;
  /** Of the attempt before the latest, which has ended. @throws NOT_FOUND where there was none */
  readonly previous?: boolean;
  /** Only the last so many lines of what is there already. */
  readonly tail?: number;
  readonly follow: boolean;
  /** From the container's first attempt on, instead of the one that it is in. */
  readonly fromFirst?: boolean;
  readonly signal?: AbortSignal;
}

export interface LogEntry {
  /** RFC 3339, UTC, nine digits of a second. */
  readonly time: string;
  readonly stream: "stdout" | "stderr";
  /** Without its newline. */
  readonly text: string;
  /** The line goes on in the next entry of this container and stream. */
  readonly partial: boolean;
}

export interface PodProcess {
  readonly container: ContainerName;
  /** As the host counts. */
  readonly pid: number;
  readonly parentPid: number;
  readonly uid: number;
  /** Resident memory. */
  readonly memoryBytes: number;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly command: string;
}

export interface ResourceReport {
  readonly qosClass: QosClass | null;
  readonly pod: Partial<PlannedResources>;
  readonly containers: Readonly<Record<string, PlannedResources>>;
}

export interface NamespaceRequest {
  readonly pod: PodName;
  readonly format: "table" | "json" | "dot";
  /** Differences only: to the pod's own plan, or to another pod. `dot` has none. */
  readonly against?: { readonly plan: true } | { readonly pod: PodName };
}

export interface NamespaceReport {
  readonly text: string;
  /** Number of differences; 0 where none were asked for. */
  readonly differences: number;
}

export interface DoctorReport {
  /** Everything of ours on this machine; those of a pod come together. */
  readonly objects: readonly DoctorObject[];
  /** Those of `objects` that were removed; empty without `fix`. */
  readonly fixed: readonly DoctorObject[];
  /** What could not be done, a sentence each. */
  readonly problems: readonly string[];
}

export interface DoctorObject {
  /** `cgroup`, `mount`, `process`, `namespace`, `socket`, `directory`, `image`, … */
  readonly kind: string;
  readonly name: string;
  /** The pod, and within it the container: `web`, `web/server`; undefined where nobody owns it. */
  readonly owner: string | undefined;
  readonly detail: string;
  /** Left over: no living pod needs it. */
  readonly orphan: boolean;
}

export interface VerifyReport {
  /** One sentence each; empty: the journal keeps all rules. */
  readonly violations: readonly string[];
  readonly events: number;
  /** How many of them are not kept any more; they were held against the rules before they went. */
  readonly dropped: number;
}
