// What the journal holds and `peapod events` tells: one JSON object a line, in the order in which it became true.

import type { ErrorJson } from "../base/errors.ts";
import type { ContainerName, PodName } from "../base/names.ts";
import type { Exit } from "../exits/exit.ts";
import type { AttachedNetwork, NetworkDns } from "../network/network.ts";
import type { ResourceChange } from "../plan/resource-change.ts";
import type { ContainerOutline } from "./outline.ts";

/** What the pod is asked to be; the supervisor works towards the last one that was recorded. */
export type Want = "created" | "running" | "stopped" | "restarted" | "deleted";

interface Stamp {
  /** 1, 2, 3 … without a gap; the cursor of `events --since`. */
  readonly seq: number;
  /** RFC 3339, UTC, milliseconds. */
  readonly time: string;
  readonly pod: PodName;
}

export type PodFact =
  /** `podIPs`: its network namespace is somebody else's, and these were its addresses. */
  | { readonly type: "pod.planned"; readonly podIPs?: readonly string[] }
  /** Somebody asked. `request` lets a caller ask again after a broken connection without acting twice. */
  | {
      readonly type: "pod.wanted";
      readonly want: Want;
      readonly request: string;
      readonly graceMs?: number;
      /** stopped: for containers that have no stop signal of their own. */
      readonly signal?: string;
      readonly force?: boolean;
    }
  /** Its network namespace is attached to these networks, and these are its addresses. May come again after a restart. */
  | { readonly type: "pod.attached"; readonly networks: readonly AttachedNetwork[]; readonly dns: NetworkDns }
  /** Its network namespace goes, since the container goes that has it. */
  | { readonly type: "pod.detached" }
  | { readonly type: "pod.created" }
  /** Its first containers run; those that wait for them follow. */
  | { readonly type: "pod.started" }
  /** All init containers are through, all sidecars have started. */
  | { readonly type: "pod.initialized" }
  /** It ran longer than it may. */
  | { readonly type: "pod.expired" }
  | { readonly type: "pod.paused" }
  | { readonly type: "pod.resumed" }
  /** All its processes as they were at one instant are on disk. */
  | {
      readonly type: "pod.checkpointed";
      readonly request: string;
      /** Whose processes these are; they are ended now, and this is no exit of theirs. Empty where all run on. */
      readonly containers: readonly ContainerName[];
      /** The archive that was written. */
      readonly file?: string;
    }
  /** They are there again, each container with a new first process, and go on. */
  | {
      readonly type: "pod.restored";
      readonly request: string;
      readonly containers: readonly RestoredContainer[];
    }
  /** All containers ended. `status` as `run` hands it on. */
  | { readonly type: "pod.exited"; readonly status: number }
  /** Nothing of its containers' last lives is left, and it comes up again: it is wanted running. */
  | { readonly type: "pod.restarted" }
  /** Another manifest holds from now on: these containers are being ended, to go or to be replaced. */
  | {
      readonly type: "pod.changing";
      readonly request: string;
      readonly leaving: readonly ContainerName[];
      /** RFC 3339; when they are killed, if they have not ended by then. */
      readonly endBy: string;
    }
  /** They are gone, and these are its containers now; the `fresh` ones are started next. */
  | {
      readonly type: "pod.changed";
      readonly request: string;
      readonly containers: readonly ContainerOutline[];
      readonly fresh: readonly ContainerName[];
    }
  | { readonly type: "pod.failed"; readonly error: ErrorJson }
  /** The supervisor was started again and found its way back. */
  | { readonly type: "pod.recovered" }
  /** The reaper died; exits between then and now may be lost. */
  | { readonly type: "pod.degraded"; readonly reason: string }
  /** Limits of the pod itself, as they are from now on. */
  | { readonly type: "pod.updated"; readonly resources: ResourceChange }
  | { readonly type: "pod.deleted" };

export interface RestoredContainer {
  readonly name: ContainerName;
  readonly pid: number;
  readonly startTime: number;
  /** Where in `exits` its end can stand at the earliest. */
  readonly exitsOffset: number;
}

export type ContainerFact =
  /** A `runtime create` is about to be called; `exitsOffset`: where in `exits` to look for its process. */
  | {
      readonly type: "container.creating";
      readonly container: ContainerName;
      readonly exitsOffset: number;
      /** 0 unless told: the container's first life. */
      readonly attempt?: number;
      /** Restarts since it last ran long enough, this one included. */
      readonly restarts?: number;
    }
  | {
      readonly type: "container.created";
      readonly container: ContainerName;
      readonly pid: number;
      /** Clock ticks after boot, field 22 of proc_pid_stat(5): with the pid it names one process for ever. */
      readonly startTime: number;
    }
  | { readonly type: "container.started"; readonly container: ContainerName }
  | { readonly type: "container.signalled"; readonly container: ContainerName; readonly signal: string }
  /** It could not be made or started, now that the pod is up: told as an end, after which it may be tried again. */
  | { readonly type: "container.start-failed"; readonly container: ContainerName; readonly error: ErrorJson }
  /** Its postStart hook has ended well. */
  | { readonly type: "container.post-started"; readonly container: ContainerName }
  /** Its startup probe has succeeded. */
  | { readonly type: "container.startup-passed"; readonly container: ContainerName }
  | { readonly type: "container.ready"; readonly container: ContainerName }
  | { readonly type: "container.unready"; readonly container: ContainerName; readonly message: string }
  /** A probe or a hook has failed for good: the container is being ended. */
  | {
      readonly type: "container.unhealthy";
      readonly container: ContainerName;
      readonly cause: "startup" | "liveness" | "postStart";
      readonly message: string;
      /** RFC 3339; when it is killed, if it has not ended by then. */
      readonly endBy: string;
    }
  | { readonly type: "container.pre-stop-failed"; readonly container: ContainerName; readonly message: string }
  | {
      readonly type: "container.exited";
      readonly container: ContainerName;
      readonly exit: Exit;
      /** Where the exit alone does not tell it. */
      readonly reason?: "OOMKilled";
    }
  /** Somebody asked that it be ended, and started again at once. */
  | {
      readonly type: "container.restarting";
      readonly container: ContainerName;
      readonly request: string;
      /** RFC 3339; when it is killed, if it has not ended by then. */
      readonly endBy: string;
    }
  /** It ended again soon and waits to be started again. */
  | { readonly type: "container.backing-off"; readonly container: ContainerName; readonly until: string }
  | { readonly type: "container.deleted"; readonly container: ContainerName }
  /** Its limits, as they are from now on; what is not named stayed. */
  | { readonly type: "container.updated"; readonly container: ContainerName; readonly resources: ResourceChange }
  /** Its io process died and was started again; up to one buffer of output may be missing. */
  | { readonly type: "container.io-restarted"; readonly container: ContainerName }
  /** Its log cannot be written; lines are being lost. */
  | { readonly type: "container.log-blocked"; readonly container: ContainerName; readonly reason: string }
  /** It is written again; the log itself says the same. */
  | {
      readonly type: "container.log-resumed";
      readonly container: ContainerName;
      readonly lostLines: number;
      readonly lostBytes: number;
    };

export type Fact = PodFact | ContainerFact;
export type Event = Stamp & Fact;
