// Which fact may follow what: the one table that the journal asks before it writes. Pure; a fact that is refused
// here is a bug of its writer, never of the user.

import type { ContainerFact, Fact, PodFact } from "./event.ts";
import type { ContainerState, ContainerStatus, PodState } from "./pod-state.ts";

type Moves = Partial<Readonly<Record<ContainerStatus, ContainerStatus>>>;

/** For each fact: the statuses in which it may come true, and the status after it. */
export const CONTAINER_MOVES: Readonly<Record<ContainerFact["type"], Moves>> = {
  // From `creating`: a call whose end nobody saw, and that left nothing, is made again.
  // From `deleted`: the next attempt.
  "container.creating": { planned: "creating", creating: "creating", deleted: "creating" },
  "container.created": { creating: "created" },
  "container.started": { created: "running" },
  "container.start-failed": { creating: "exited" },
  "container.post-started": { running: "running" },
  "container.startup-passed": { running: "running" },
  "container.ready": { running: "running" },
  "container.unready": { running: "running" },
  "container.unhealthy": { running: "running" },
  "container.pre-stop-failed": { running: "running" },
  "container.signalled": { created: "created", running: "running" },
  // From `created`: killed before its program was let go.
  "container.exited": { created: "exited", running: "exited" },
  "container.restarting": {
    creating: "creating",
    created: "created",
    running: "running",
    exited: "exited",
    deleted: "deleted",
  },
  "container.backing-off": { exited: "exited" },
  // From `creating`: the call failed and its traces were removed, so it may be tried again.
  // From `checkpointed`: nobody wants it back.
  "container.deleted": { exited: "deleted", creating: "planned", checkpointed: "deleted" },
  "container.updated": { created: "created", running: "running" },
  "container.io-restarted": { creating: "creating", created: "created", running: "running", exited: "exited" },
  "container.log-blocked": { creating: "creating", created: "created", running: "running", exited: "exited" },
  "container.log-resumed": { creating: "creating", created: "created", running: "running", exited: "exited" },
};

/** What a pod has been through; more than one holds at a time. */
export type Milestone =
  | "planned"
  | "created"
  | "started"
  | "initialized"
  | "expired"
  | "paused"
  | "checkpointed"
  | "changing"
  | "exited"
  | "deleted";

interface PodRule {
  readonly needs: readonly Milestone[];
  readonly forbids: readonly Milestone[];
  /** In which status each container may be, where that matters; but for those that wait for others to be through. The first process of a shared pid namespace outlives
   *  the pod's result, since it holds what the others run in. */
  readonly containers?: readonly ContainerStatus[];
  readonly exceptPause?: true;
}

export const POD_RULES: Readonly<Record<PodFact["type"], PodRule>> = {
  "pod.planned": { needs: [], forbids: ["planned"] },
  "pod.wanted": { needs: ["planned"], forbids: ["deleted"] },
  "pod.detached": { needs: ["planned"], forbids: ["deleted"] },
  "pod.attached": { needs: ["planned"], forbids: ["deleted"] },
  "pod.created": {
    needs: ["planned"],
    forbids: ["created", "deleted"],
    containers: ["created", "running", "exited"],
  },
  "pod.started": {
    needs: ["created"],
    forbids: ["started", "exited", "deleted"],
    containers: ["running", "exited"],
  },
  "pod.initialized": { needs: ["started"], forbids: ["initialized", "checkpointed", "exited", "deleted"] },
  "pod.expired": { needs: ["started"], forbids: ["expired", "checkpointed", "exited", "deleted"] },
  "pod.paused": { needs: ["started"], forbids: ["paused", "checkpointed", "exited", "deleted"] },
  "pod.resumed": { needs: ["paused"], forbids: ["deleted"] },
  "pod.checkpointed": {
    needs: ["started"],
    forbids: ["paused", "changing", "checkpointed", "exited", "deleted"],
    containers: ["planned", "running", "exited", "deleted"],
  },
  "pod.restored": { needs: ["checkpointed"], forbids: ["deleted"] },
  "pod.exited": {
    needs: ["created"],
    forbids: ["checkpointed", "exited", "deleted"],
    containers: ["exited", "deleted"],
    exceptPause: true,
  },
  "pod.restarted": { needs: ["exited"], forbids: ["paused", "deleted"], containers: ["planned", "deleted"] },
  "pod.changing": { needs: ["started"], forbids: ["changing", "paused", "checkpointed", "exited", "deleted"] },
  "pod.changed": { needs: ["changing"], forbids: ["deleted"] },
  "pod.updated": { needs: ["planned"], forbids: ["deleted"] },
  "pod.failed": { needs: ["planned"], forbids: ["deleted"] },
  "pod.recovered": { needs: ["planned"], forbids: ["deleted"] },
  "pod.degraded": { needs: ["planned"], forbids: ["deleted"] },
  "pod.deleted": {
    needs: ["planned"],
    forbids: ["deleted"],
    // `creating`: the call failed and left nothing that could be deleted.
    containers: ["planned", "creating", "deleted"],
  },
};

export function isContainerFact(fact: Fact): fact is ContainerFact {
  return fact.type.startsWith("container.");
}

/** Its turn comes after that of an init container or a sidecar, or it was added later; and has not come. */
function isWaiting({ containers, changedAt }: PodState, index: number): boolean {
  if (containers[index]?.status === "planned" && changedAt !== undefined) return true;
  const isEarly = ({ role }: ContainerState) => role === "init" || role === "sidecar";
  return containers[index]?.status === "planned" && containers.slice(0, index).some(isEarly);
}

export function isPause(container: ContainerState): boolean {
  return container.role === "pause";
}

export function milestonesOf(state: PodState): ReadonlySet<Milestone> {
  const reached = new Set<Milestone>();
  if (state.cursor > 0) reached.add("planned");
  if (state.createdAt !== undefined) reached.add("created");
  if (state.startedAt !== undefined) reached.add("started");
  if (state.initializedAt !== undefined) reached.add("initialized");
  if (state.expiredAt !== undefined) reached.add("expired");
  if (state.isPaused) reached.add("paused");
  if (state.checkpointedAt !== undefined) reached.add("checkpointed");
  if (state.changing !== undefined) reached.add("changing");
  if (state.exitedAt !== undefined) reached.add("exited");
  if (state.deletedAt !== undefined) reached.add("deleted");
  return reached;
}

/** Why `fact` cannot be true in `state`; undefined: it can. */
export function whyNot(state: PodState, fact: Fact): string | undefined {
  return isContainerFact(fact) ? whyNotContainer(state, fact) : whyNotPod(state, fact);
}

function whyNotContainer(state: PodState, fact: ContainerFact): string | undefined {
  if (state.cursor === 0) return `${fact.type} of container ${fact.container} comes before pod.planned`;
  if (state.deletedAt !== undefined) return `${fact.type} of container ${fact.container} comes after pod.deleted`;
  const container = state.containers.find((one) => one.name === fact.container);
  if (container === undefined) return `the pod has no container ${fact.container}`;
  if (state.checkpointedAt !== undefined && fact.type !== "container.deleted")
    return `the pod is checkpointed, so there can be no ${fact.type} of container ${fact.container}`;
  if (CONTAINER_MOVES[fact.type][container.status] !== undefined) return undefined;
  return `container ${fact.container} is ${container.status}, so there can be no ${fact.type}`;
}

function whyNotPod(state: PodState, fact: PodFact): string | undefined {
  const rule = POD_RULES[fact.type];
  const reached = milestonesOf(state);
  const missing = rule.needs.find((milestone) => !reached.has(milestone));
  if (missing !== undefined) return `${fact.type} comes before the pod is ${missing}`;
  const passed = rule.forbids.find((milestone) => reached.has(milestone));
  if (passed !== undefined) return `the pod is ${passed}, so there can be no ${fact.type}`;
  if (fact.type === "pod.changed") {
    const left = state.containers.find(
      ({ name, leaveBy, status }) =>
        (leaveBy !== undefined || !fact.containers.some((one) => one.name === name)) &&
        status !== "deleted" &&
        status !== "planned",
    );
    return left && `container ${left.name} is still ${left.status}, so there can be no ${fact.type}`;
  }
  if (fact.type === "pod.checkpointed" || fact.type === "pod.restored") {
    const status = fact.type === "pod.restored" ? "checkpointed" : "running";
    const wrong = whoseStatusIsNot(state, fact, status);
    if (wrong !== undefined) return wrong;
  }
  const { containers: allowed } = rule;
  if (allowed === undefined) return undefined;
  const wrong = state.containers.find(
    (container, index) =>
      !allowed.includes(container.status) && !(rule.exceptPause && isPause(container)) && !isWaiting(state, index),
  );
  return wrong && `container ${wrong.name} is still ${wrong.status}, so there can be no ${fact.type}`;
}

/** All of that status, or none, and nobody else. */
function whoseStatusIsNot(
  { containers }: PodState,
  fact: PodFact & { readonly type: "pod.checkpointed" | "pod.restored" },
  status: ContainerStatus,
): string | undefined {
  if (fact.type === "pod.checkpointed" && fact.containers.length === 0) return undefined;
  const told = new Set(fact.containers.map((one) => (typeof one === "string" ? one : one.name)));
  const forgotten = containers.find((one) => one.status === status && !told.has(one.name));
  if (forgotten !== undefined) return `container ${forgotten.name} is ${status}, and ${fact.type} does not name it`;
  const wrong = [...told].find((name) => containers.find((one) => one.name === name)?.status !== status);
  return wrong && `container ${wrong} is not ${status}, so there can be no ${fact.type}`;
}
