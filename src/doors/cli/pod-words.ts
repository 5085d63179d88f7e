// A pod's state in the two shapes that this door prints: JSON with every key always there, and words. Pure.

import { PAUSE } from "../../base/names.ts";
import { type Exit, shellStatus } from "../../exits/exit.ts";
import type { ContainerState, PodState } from "../../state/pod-state.ts";

/** What `state` and `list --format json` print of a pod: the keys are documented in docs/cli.md and do not go away. */
export function makePodJson(state: PodState) {
  return {
    pod: state.pod,
    status: state.status,
    want: state.want,
    createdAt: state.createdAt ?? null,
    startedAt: state.startedAt ?? null,
    exitedAt: state.exitedAt ?? null,
    exitStatus: state.exitStatus ?? null,
    degraded: state.degraded ?? null,
    error: state.error ?? null,
    cursor: state.cursor,
    containers: state.containers.map((container) => ({
      name: container.name,
      status: container.status,
      pid: container.pid ?? null,
      createdAt: container.createdAt ?? null,
      startedAt: container.startedAt ?? null,
      exit: container.exit ?? null,
      logBlocked: container.logBlocked ?? null,
      exitStatus: container.exit === undefined ? null : (shellStatus(container.exit) ?? null),
    })),
  };
}

/** Containers that the user asked for: without the first process of a shared pid namespace. */
export function userContainers(state: PodState): readonly ContainerState[] {
  return state.containers.filter((container) => container.name !== PAUSE);
}

export function makePodStatusWord(state: PodState): string {
  const result = state.status === "exited" ? ` (${state.exitStatus ?? "lost"})` : "";
  return `${state.status}${result}${state.degraded === undefined ? "" : ", degraded"}`;
}

/** `exited with 7`, `killed by signal 9`, `ended, nobody saw how`. */
export function makeExitWords(exit: Exit): string {
  switch (exit.kind) {
    case "exited":
      return `exited with ${exit.code}`;
    case "killed":
      return `killed by signal ${exit.signal}`;
    case "lost":
      return "ended, nobody saw how";
  }
}
