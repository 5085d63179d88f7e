// When a probe runs, and what follows from its results. Pure: the container's start gives a grid of instants, so that a
// supervisor that takes over in the middle goes on as the one before it would have.

import type { Probe, ProbeKind, Probes } from "../../manifest/probe.ts";

/**
 * What a probe's results amount to so far. `stands`: what counts, once a threshold was reached; a startup probe begins
 * with no result, a liveness probe as a success, a readiness probe as a failure.
 */
export interface ProbeTally {
  readonly stands: "success" | "failure" | undefined;
  readonly last: "success" | "failure" | undefined;
  /** So many times the last result came in a row. */
  readonly inARow: number;
}

/** `unhealthy` and `startup-failed` end the container; `started` ends the startup probe. */
export type Verdict = "started" | "startup-failed" | "unhealthy" | "ready" | "unready";

export interface Weighed {
  readonly tally: ProbeTally;
  /** Undefined where nothing changes. */
  readonly verdict: Verdict | undefined;
}

const BEGINS = { startup: undefined, liveness: "success", readiness: "failure" } as const;
const VERDICTS = {
  startup: { success: "started", failure: "startup-failed" },
  liveness: { success: undefined, failure: "unhealthy" },
  readiness: { success: "ready", failure: "unready" },
} as const;

export function beginTally(kind: ProbeKind): ProbeTally {
  return { stands: BEGINS[kind], last: undefined, inARow: 0 };
}

/** A container's conditions when its process has just been started. */
export function makeFirstConditions({ startup, readiness }: Probes): {
  readonly isStarted: boolean;
  readonly isReady: boolean;
} {
  const isStarted = startup === undefined;
  return { isStarted, isReady: isStarted && readiness === undefined };
}

/** Which probes run: until the container has started, only the one that waits for that. */
export function chooseProbes(probes: Probes, isStarted: boolean): readonly ProbeKind[] {
  if (!isStarted) return probes.startup === undefined ? [] : ["startup"];
  return (["liveness", "readiness"] as const).filter((kind) => probes[kind] !== undefined);
}

/**
 * The first instant on the probe's grid (start + initial delay + k periods) that is later than `afterMs`: the last run's
 * end, the instant at which the container counted as started, or that at which a supervisor took over. None: the first.
 */
export function nextRunAt(probe: Probe, startedAtMs: number, afterMs?: number): number {
  const firstMs = startedAtMs + probe.initialDelaySeconds * 1000;
  if (afterMs === undefined || afterMs < firstMs) return firstMs;
  const periodMs = probe.periodSeconds * 1000;
  return firstMs + (Math.floor((afterMs - firstMs) / periodMs) + 1) * periodMs;
}

/** Counts as the kubelet does: a threshold takes so many equal results in a row, and the other result begins anew. */
export function weighResult(kind: ProbeKind, probe: Probe, before: ProbeTally, ok: boolean): Weighed {
  const last = ok ? "success" : "failure";
  const inARow = before.last === last ? before.inARow + 1 : 1;
  const enough = inARow >= (ok ? probe.successThreshold : probe.failureThreshold);
  if (!enough || before.stands === last) return { tally: { stands: before.stands, last, inARow }, verdict: undefined };
  return { tally: { stands: last, last, inARow }, verdict: VERDICTS[kind][last] };
}
