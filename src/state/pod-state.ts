// What the journal's events add up to: the answer to `peapod state`.

import type { ErrorJson } from "../base/errors.ts";
import type { ContainerName, PodName } from "../base/names.ts";
import type { Exit } from "../exits/exit.ts";
import type { Want } from "./event.ts";

export type PodStatus = "creating" | "created" | "running" | "paused" | "stopping" | "exited" | "deleting" | "failed";
export type ContainerStatus = "planned" | "creating" | "created" | "running" | "exited" | "deleted";

export interface PodState {
  readonly pod: PodName;
  readonly status: PodStatus;
  readonly want: Want;
  readonly createdAt: string | undefined;
  readonly startedAt: string | undefined;
  readonly exitedAt: string | undefined;
  /** `pod.deleted` has been written: what is left is the directory itself. */
  readonly deletedAt: string | undefined;
  /** Its cgroup is frozen. `status` says so too, unless something graver is to be said. */
  readonly isPaused: boolean;
  /** The pod's result once all its containers ended: 0, or the first non-zero in manifest order. */
  readonly exitStatus: number | undefined;
  /** Why the pod is degraded, if it is: its reaper died. */
  readonly degraded: string | undefined;
  readonly error: ErrorJson | undefined;
  readonly containers: readonly ContainerState[];
  /** `seq` of the last event that is in here. */
  readonly cursor: number;
}

export interface ContainerState {
  readonly name: ContainerName;
  readonly status: ContainerStatus;
  readonly pid: number | undefined;
  readonly startTime: number | undefined;
  readonly createdAt: string | undefined;
  readonly startedAt: string | undefined;
  readonly exit: Exit | undefined;
  /** Why its log cannot be written at the moment. */
  readonly logBlocked?: string;
  /** Where in `exits` its process can stand at the earliest. */
  readonly exitsOffset: number | undefined;
}
