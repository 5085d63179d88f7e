// Exits that stand in the reaper's file while the supervisor sleeps or has not come to them yet: a reader shows them
// without waking anybody. Pure. Says nothing that the supervisor will not journal when it comes to it.

import type { ExitLine } from "../exits/exit.ts";
import { exitStatusOf, makeEndReason, withSummary } from "./fold.ts";
import type { ContainerState, PodState } from "./pod-state.ts";

/** `isFinal`: a container that has ended is not started again. */
export function applyUnclaimedExits(
  state: PodState,
  lines: readonly ExitLine[],
  isFinal: (container: ContainerState) => boolean,
): PodState {
  // Also where no exit is new: a supervisor may have died between the last container's exit and the pod's.
  return withPodExit(
    { ...state, containers: state.containers.map((container) => withExit(container, lines)) },
    isFinal,
  );
}

function withExit(container: ContainerState, lines: readonly ExitLine[]): ContainerState {
  const { status, pid, exitsOffset } = container;
  if (pid === undefined || (status !== "created" && status !== "running")) return container;
  // Pids come round again: only the first line after this container's creation can be its own.
  const line = lines
    .filter((one) => one.pid === pid && one.offset >= (exitsOffset ?? 0))
    .sort((one, other) => one.offset - other.offset)[0];
  if (line === undefined) return container;
  return {
    ...container,
    status: "exited",
    exit: line.exit,
    reason: makeEndReason(line.exit),
    started: false,
    ready: false,
  };
}

/** With sidecars there is somebody to be stopped yet: that the pod has ended is for its supervisor to say. */
function withPodExit(state: PodState, isFinal: (container: ContainerState) => boolean): PodState {
  if (state.want === "restarted") return state;
  const main = state.containers.filter(({ role }) => role !== "pause" && role !== "sidecar");
  const exitStatus = exitStatusOf(state);
  if (state.createdAt === undefined || state.exitedAt !== undefined || exitStatus === undefined) return state;
  if (!main.every((one) => one.exit === undefined || isFinal(one))) return state;
  if (state.containers.some(({ role, status }) => role === "sidecar" && status === "running")) return state;
  const exitedAt = main
    .map((container) => container.exit?.time ?? "")
    .sort()
    .at(-1);
  const isGraver = state.status === "failed" || state.status === "deleting";
  const ended: PodState = { ...state, exitedAt, exitStatus, status: isGraver ? state.status : "exited" };
  return withSummary(ended, exitedAt ?? "");
}
