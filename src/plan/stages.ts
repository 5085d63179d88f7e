// The order of things. What does not wait for another stands in one stage with it and may run side by side.

import { PeapodError } from "../base/errors.ts";
import type { ContainerName } from "../base/names.ts";
import type {
  ClimbStep,
  Follower,
  HostMount,
  IdMappedBind,
  PinnedNamespace,
  PlannedContainer,
  PlannedVolume,
  Step,
} from "./plan.ts";
import { NAMESPACE_KINDS } from "./plan.ts";

export interface StagesInput {
  readonly containers: readonly PlannedContainer[];
  readonly pinned: readonly PinnedNamespace[];
  readonly volumes: readonly PlannedVolume[];
  readonly mounts: readonly HostMount[];
  /** Set where the pod's network namespace is attached to something. */
  readonly attaching?: {
    /** Who lends that namespace. */
    readonly from: PinnedNamespace["from"];
    /** Some container's configuration has the pod's addresses in it. */
    readonly isAwaited: boolean;
  };
  /** Set where the pod's network namespace is brought to the network by a program. */
  readonly uplink?: { readonly isAwaited: boolean };
}

export interface Stages {
  readonly stages: (readonly Step[])[];
  readonly followers: Follower[];
}

/** @throws BAD_MANIFEST where containers wait for each other's first process in a ring */
export function makeStages({ containers, pinned, volumes, mounts, attaching, uplink }: StagesInput): Stages {
  const owners = new Set(pinned.filter((one) => one.from === "new").map((one) => one.owner));
  const prepare: Step[] = [
    // Those that start a process come first, so that it runs while we write files.
    ...[...owners].map((owner): Step => ({ do: "pin-namespaces", owner })),
    ...(mounts.length > 0 ? [{ do: "mount", mounts } as const] : []),
    { do: "make-cgroup" },
    { do: "make-files" },
    ...(volumes.length > 0 ? [{ do: "make-volumes" } as const] : []),
    { do: "write-bundles" },
  ];
  const made = new Set<ContainerName>();
  const [first, ...later] = makeGroups(containers).map((group): Follower => {
    const openIo = group.map(({ name }): Step => ({ do: "open-io", container: name }));
    const start = group.map(({ name }): Step => ({ do: "start-container", container: name }));
    const create = makeCreateStages(group, pinned, made);
    return { containers: group.map(({ name }) => name), stages: [openIo, ...create, start] };
  });
  const [openIo = [], ...rest] = first?.stages ?? [];
  const stages = [[...prepare, ...openIo], ...rest];
  if (uplink !== undefined) return { stages: withUplink(stages, pinned, uplink.isAwaited), followers: later };
  return { stages: attaching === undefined ? stages : attach(stages, attaching), followers: later };
}

/** As soon as the namespace is there, beside other work, and before anything is started. */
function withUplink(
  stages: readonly (readonly Step[])[],
  pinned: readonly PinnedNamespace[],
  isAwaited: boolean,
): (readonly Step[])[] {
  const from = pinned.find(({ kind, owner }) => kind === "net" && owner === "pod")?.from;
  const at = placeAfterPin(stages, from);
  const [before, after] = [stages.slice(0, at), stages.slice(at)];
  if (!isAwaited || from !== "new") return [...before, [{ do: "open-uplink" }], ...after];
  return [...before.map(withoutBundles), [{ do: "open-uplink" }], [{ do: "write-bundles" }], ...after];
}

/**
 * As soon as the namespace is there. Plugins take longer than anything else, so containers are created meanwhile, but
 * none is started before the pod has its addresses.
 */
function attach(
  stages: readonly (readonly Step[])[],
  { from, isAwaited }: NonNullable<StagesInput["attaching"]>,
): (readonly Step[])[] {
  const at = placeAfterPin(stages, from);
  const before = stages.slice(0, at);
  const [next = [], ...rest] = stages.slice(at);
  const attachNetworks: Step = { do: "attach-networks" };
  if (!isAwaited) return [...before, [attachNetworks, ...next], ...rest];
  // Where the namespace comes from a container, that one's configuration was needed before.
  return [
    ...(from === "new" ? before.map(withoutBundles) : before),
    [attachNetworks],
    [{ do: "write-bundles" }],
    next,
    ...rest,
  ];
}

function withoutBundles(stage: readonly Step[]): readonly Step[] {
  return stage.filter((step) => step.do !== "write-bundles");
}

/** Where the pod's network namespace is there. */
function placeAfterPin(stages: readonly (readonly Step[])[], from: PinnedNamespace["from"] | undefined): number {
  const isThere = (step: Step) =>
    from === "new"
      ? step.do === "pin-namespaces" && step.owner === "pod"
      : step.do === "pin-from-container" && step.container === from;
  return stages.findIndex((stage) => stage.some(isThere)) + 1;
}

/** Init containers one by one, the others together; the first process of what they share before all. */
function makeGroups(containers: readonly PlannedContainer[]): readonly (readonly PlannedContainer[])[] {
  const pause = containers.filter(({ role }) => role === "pause");
  const early = containers.filter(({ role }) => role === "init" || role === "sidecar");
  const main = containers.filter(({ role }) => role === "main");
  const [first = [], ...later] = [...early.map((one) => [one]), main];
  return [[...pause, ...first], ...later];
}

/** All that is mounted on the way up. */
export function mountsIn(stages: readonly (readonly Step[])[]): readonly HostMount[] {
  return stages.flat().flatMap((step) => (step.do === "mount" ? step.mounts : []));
}

/** All that is bound with its owners mapped. */
export function mapsIn(stages: readonly (readonly Step[])[]): readonly IdMappedBind[] {
  return stages.flat().flatMap((step) => (step.do === "map-ids" ? step.maps : []));
}

/**
 * The stages of containers that are to run at once: what all is created in one stage and started in the next is run,
 * which is a third less work for the runtime. Where one joins another's namespaces, none is started before all are created.
 */
export function makeRunStages(stages: readonly (readonly Step[])[]): readonly (readonly ClimbStep[])[] {
  const [created = [], started = []] = stages.slice(-2);
  const isWhole = created.length === started.length && created.every((step) => step.do === "create-container");
  if (!isWhole) return stages;
  const run = started.flatMap((step): ClimbStep[] =>
    step.do === "start-container" ? [{ ...step, do: "run-container" }] : [],
  );
  return [...stages.slice(0, -2), run];
}

/** Who joins a namespace that comes from a container is created after it, and after that namespace is pinned. */
function makeCreateStages(
  containers: readonly PlannedContainer[],
  pinned: readonly PinnedNamespace[],
  made: Set<ContainerName>,
): Step[][] {
  const stages: Step[][] = [];
  let waiting = [...containers];
  while (waiting.length > 0) {
    const ready = waiting.filter((container) => [...waitsFor(container, pinned)].every((name) => made.has(name)));
    if (ready.length === 0) throw ring(waiting);
    stages.push(ready.map(({ name }): Step => ({ do: "create-container", container: name })));
    const lenders = ready.filter(({ name }) => pinned.some((one) => one.from === name));
    if (lenders.length > 0) {
      stages.push(lenders.map(({ name }): Step => ({ do: "pin-from-container", container: name })));
    }
    for (const { name } of ready) made.add(name);
    waiting = waiting.filter(({ name }) => !made.has(name));
  }
  return stages;
}

/** The containers whose first process lends it a namespace. */
export function waitsFor(container: PlannedContainer, pinned: readonly PinnedNamespace[]): Set<ContainerName> {
  const names = new Set<ContainerName>();
  for (const kind of NAMESPACE_KINDS) {
    const namespace = container.namespaces[kind];
    if (namespace.scope !== "pod" && namespace.scope !== "container") continue;
    const from = pinned.find((one) => one.file === namespace.file)?.from;
    if (from !== undefined && from !== "new") names.add(from);
  }
  return names;
}

function ring(waiting: readonly PlannedContainer[]): PeapodError {
  const names = waiting.map(({ name }) => name).join(", ");
  return new PeapodError(
    "BAD_MANIFEST",
    `containers ${names}: wait for each other: each joins a namespace that begins with another's first process`,
    {
      hint: "pid, user and cgroup namespaces come from a running container; let one container own them all",
    },
  );
}
