// What the journal holds and `peapod events` tells: one JSON object a line, in the order in which it became true.

import type { ErrorJson } from "../base/errors.ts";
import type { ContainerName, PodName } from "../base/names.ts";
import type { Exit } from "../exits/exit.ts";

/** What the pod is asked to be; the supervisor works towards the last one that was recorded. */
export type Want = "created" | "running" | "stopped" | "deleted";

interface Stamp {
  /** 1, 2, 3 … without a gap; the cursor of `events --since`. */
  readonly seq: number;
  /** RFC 3339, UTC, milliseconds. */
  readonly time: string;
  readonly pod: PodName;
}

export type PodFact =
  | { readonly type: "pod.planned" }
  /** Somebody asked. `request` lets a caller ask again after a broken connection without acting twice. */
  | {
      readonly type: "pod.wanted";
      readonly want: Want;
      readonly request: string;
      readonly graceMs?: number;
      readonly force?: boolean;
    }
  | { readonly type: "pod.created" }
  | { readonly type: "pod.started" }
  | { readonly type: "pod.paused" }
  | { readonly type: "pod.resumed" }
  /** All containers ended. `status` as `run` hands it on. */
  | { readonly type: "pod.exited"; readonly status: number }
  | { readonly type: "pod.failed"; readonly error: ErrorJson }
  /** The supervisor was started again and found its way back. */
  | { readonly type: "pod.recovered" }
  /** The reaper died; exits between then and now may be lost. */
  | { readonly type: "pod.degraded"; readonly reason: string }
  | { readonly type: "pod.deleted" };

export type ContainerFact =
  /** A `runtime create` is about to be called; `exitsOffset`: where in `exits` to look for its process. */
  | { readonly type: "container.creating"; readonly container: ContainerName; readonly exitsOffset: number }
  | {
      readonly type: "container.created";
      readonly container: ContainerName;
      readonly pid: number;
      /** Clock ticks after boot, field 22 of proc_pid_stat(5): with the pid it names one process for ever. */
      readonly startTime: number;
    }
  | { readonly type: "container.started"; readonly container: ContainerName }
  | { readonly type: "container.signalled"; readonly container: ContainerName; readonly signal: string }
  | { readonly type: "container.exited"; readonly container: ContainerName; readonly exit: Exit }
  | { readonly type: "container.deleted"; readonly container: ContainerName }
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
