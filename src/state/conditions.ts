// Kubernetes' phase and conditions of a pod, from the rest of its state. Pure.

import { shellStatus } from "../exits/exit.ts";
import type { Condition, ContainerState, Phase, PodState } from "./pod-state.ts";

type Bare = Omit<PodState, "phase" | "conditions">;

/** Init containers count until they are through, and sidecars and main containers while they should run. */
export function makePhase(state: Bare): Phase {
  if (state.exitedAt !== undefined) {
    const isFailed = state.exitStatus !== 0 || state.expiredAt !== undefined;
    return isFailed ? "Failed" : "Succeeded";
  }
  const hasBegun = state.containers.some((one) => one.role === "main" && (one.startedAt ?? one.last) !== undefined);
  return state.initializedAt !== undefined && hasBegun ? "Running" : "Pending";
}

/** `before`: what was told last, whose times stay where nothing has changed. */
export function makeConditions(state: Bare, before: readonly Condition[], time: string): readonly Condition[] {
  const notReady = state.containers.filter((one) => (one.role === "main" || one.role === "sidecar") && !one.ready);
  const isOver = state.exitedAt !== undefined;
  const whyNotReady = isOver
    ? state.exitStatus === 0
      ? "PodCompleted"
      : "PodFailed"
    : state.initializedAt !== undefined && notReady.length === 0
      ? undefined
      : "ContainersNotReady";
  const reasons: Readonly<Record<Condition["type"], string | undefined>> = {
    PodReadyToStartContainers: state.createdAt === undefined || isOver ? "SandboxNotReady" : undefined,
    Initialized: isInitialized(state) ? undefined : "ContainersNotInitialized",
    ContainersReady: whyNotReady,
    Ready: whyNotReady,
  };
  return Object.entries(reasons).map(([type, reason]): Condition => {
    const status = reason === undefined ? "True" : "False";
    const known = before.find((one) => one.type === type);
    const lastTransitionTime = known?.status === status ? known.lastTransitionTime : time;
    return {
      type: type as Condition["type"],
      status,
      ...(reason === undefined ? {} : { reason }),
      lastTransitionTime,
    };
  });
}

/** It need not wait for that, or has been through it. */
export function isPast(
  { awaits, passed }: Pick<ContainerState, "awaits" | "passed">,
  what: ContainerState["awaits"][number],
): boolean {
  return !awaits.includes(what) || passed.includes(what);
}

/** A pod without init containers has nothing to go through, from the beginning. */
function isInitialized({ initializedAt, containers }: Bare): boolean {
  return initializedAt !== undefined || !containers.some(({ role }) => role === "init" || role === "sidecar");
}

/** Ready as a whole: what `wait --for=ready` waits for. */
export function isReady({ conditions, isPaused }: PodState): boolean {
  return !isPaused && conditions.some(({ type, status }) => type === "Ready" && status === "True");
}

/** An init container that has done its work. */
export function isThrough({ role, status, exit }: ContainerState): boolean {
  return (
    role === "init" && (status === "exited" || status === "deleted") && exit !== undefined && shellStatus(exit) === 0
  );
}

/** For those who cannot read JSON: `0 ready`, or `1` and who is not. */
export function makeReadiness(state: PodState): string {
  if (isReady(state)) return "0 ready";
  const unready = state.containers.filter(({ role, ready }) => (role === "main" || role === "sidecar") && !ready);
  const words = unready.map(({ name, message }) =>
    message === undefined ? name : `${name} (${message.slice(0, 80)})`,
  );
  return `1 not ready: ${words.join(", ") || state.status}`.replace(/\s+/g, " ").slice(0, 900);
}
