// What the journal's events add up to: the answer to `peapod state`.

import type { ErrorJson } from "../base/errors.ts";
import type { ContainerName, PodName } from "../base/names.ts";
import type { Exit } from "../exits/exit.ts";
import type { AttachedNetwork, NetworkDns } from "../network/network.ts";
import type { ContainerRole } from "../plan/plan.ts";
import type { ResourceChange } from "../plan/resource-change.ts";
import type { Want } from "./event.ts";
import type { ContainerOutline } from "./outline.ts";

export type PodStatus =
  | "creating"
  | "created"
  /** Its init containers and sidecars are being gone through. */
  | "initializing"
  | "running"
  | "paused"
  /** Its processes are on disk, and nothing of it runs. */
  | "checkpointed"
  | "stopping"
  | "exited"
  | "deleting"
  | "failed";
export type ContainerStatus = "planned" | "creating" | "created" | "running" | "checkpointed" | "exited" | "deleted";

export interface PodState {
  readonly pod: PodName;
  readonly status: PodStatus;
  readonly want: Want;
  /** When it was asked for, and the grace that it came with. */
  readonly wantedAt: string | undefined;
  readonly graceMs: number | undefined;
  /** When it was first asked to go down, where it was since it last came up; `wantedAt` is of the last asking. */
  readonly downAt: string | undefined;
  /** The signal that came with it, for containers that have none of their own. */
  readonly stopSignal: string | undefined;
  /** It is to be deleted whatever stands in the way. */
  readonly isForced?: true;
  readonly createdAt: string | undefined;
  readonly startedAt: string | undefined;
  readonly initializedAt: string | undefined;
  /** It ran longer than it may, and is being stopped for it, or was. */
  readonly expiredAt: string | undefined;
  readonly exitedAt: string | undefined;
  /** When it was last brought up anew, after `restart`. */
  readonly restartedAt: string | undefined;
  /** The request for another manifest that is being worked on. */
  readonly changing: string | undefined;
  /** When its containers last became others. */
  readonly changedAt: string | undefined;
  /** Since when its processes are on disk, and only there. */
  readonly checkpointedAt: string | undefined;
  /** `pod.deleted` has been written: what is left is the directory itself. */
  readonly deletedAt: string | undefined;
  /** Its cgroup is frozen. `status` says so too, unless something graver is to be said. */
  readonly isPaused: boolean;
  /** Why the pod as a whole was ended, where it was not its containers' doing. */
  readonly reason: "DeadlineExceeded" | undefined;
  /** Kubernetes' word for where the pod is in its life. */
  readonly phase: Phase;
  readonly conditions: readonly Condition[];
  /** The pod's result once all its containers ended: 0, or the first non-zero in manifest order. */
  readonly exitStatus: number | undefined;
  /** Why the pod is degraded, if it is: its reaper died. */
  readonly degraded: string | undefined;
  readonly error: ErrorJson | undefined;
  /** What updates changed of the limits of the pod itself. */
  readonly resources?: ResourceChange;
  /** Set while its network namespace is attached to something. */
  readonly networks?: readonly AttachedNetwork[];
  /** The first address of its first network, and all of that one's. */
  readonly podIP?: string;
  readonly podIPs?: readonly string[];
  /** What its networks say of names. */
  readonly dns?: NetworkDns;
  readonly containers: readonly ContainerState[];
  /** `seq` of the last event that is in here. */
  readonly cursor: number;
}

export type Phase = "Pending" | "Running" | "Succeeded" | "Failed";

export interface Condition {
  readonly type: "PodReadyToStartContainers" | "Initialized" | "ContainersReady" | "Ready";
  readonly status: "True" | "False";
  /** Why not. */
  readonly reason?: string;
  readonly lastTransitionTime: string;
}

/** One life of a container that is over. */
export interface EndedAttempt {
  readonly startedAt: string | undefined;
  readonly exit: Exit;
  readonly reason: EndReason;
  readonly message?: string;
}

export type EndReason = "Completed" | "Error" | "OOMKilled" | "StartError" | "Lost";

export interface ContainerState {
  readonly name: ContainerName;
  readonly role: ContainerRole;
  readonly awaits: ContainerOutline["awaits"];
  readonly image?: string;
  /** What exactly that was: `docker.io/library/nginx@sha256:…`. */
  readonly imageId?: string;
  readonly status: ContainerStatus;
  /** Counted from 0: how often it was started again. */
  readonly attempt: number;
  /** Restarts since it last ran long enough for a new beginning. */
  readonly restarts: number;
  /** Runs, its postStart hook is done and its startup probe has succeeded. */
  readonly started: boolean;
  readonly ready: boolean;
  /** Why it is not ready, is being ended, or could not be started. */
  readonly message: string | undefined;
  /** Of `exit`. */
  readonly reason: EndReason | undefined;
  /** It waits until then to be started again. */
  readonly backOffUntil: string | undefined;
  /** A probe or a hook failed for good: it is being ended, and killed then. */
  readonly endBy: string | undefined;
  /** Somebody asked that it be ended, killed by then, and started again at once. */
  readonly restartBy: string | undefined;
  /** It goes or is replaced: it is being ended, killed by then, and not started again. */
  readonly leaveBy: string | undefined;
  readonly passed: readonly ("postStart" | "startup" | "readiness")[];
  /** The attempt before this one. */
  readonly last: EndedAttempt | undefined;
  readonly pid: number | undefined;
  readonly startTime: number | undefined;
  readonly createdAt: string | undefined;
  readonly startedAt: string | undefined;
  readonly exit: Exit | undefined;
  /** What updates changed of its limits since the plan was made; they hold for its next life as well. */
  readonly resources?: ResourceChange;
  /** Why its log cannot be written at the moment. */
  readonly logBlocked?: string;
  /** Where in `exits` its process can stand at the earliest. */
  readonly exitsOffset: number | undefined;
}
