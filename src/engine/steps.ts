// How each step of a plan is done. A complete table: a step without an executor does not compile.
// Every executor may be called again after a crash: what is so already stays as it is.

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { readTextIfAny, writeFileAtomic } from "../base/files.ts";
import type { ContainerName } from "../base/names.ts";
import { writeBundles } from "../bundle/write-bundles.ts";
import { writePodLimits } from "../host/cgroups/cgroup-limits.ts";
import { makePodCgroup } from "../host/cgroups/cgroups.ts";
import { mountAll } from "../host/mounts.ts";
import { pinFromProcess, pinNamespaces } from "../host/namespaces.ts";
import { makeVolumes } from "../host/volumes.ts";
import { withAddresses } from "../plan/addresses.ts";
import type { ClimbStep, Step } from "../plan/plan.ts";
import { makeEffective, withUpdates } from "./changes/effective-resources.ts";
import { type KeptPod, pinsFrom, plannedContainer } from "./context.ts";

type Executors = {
  readonly [Do in ClimbStep["do"]]: (step: Extract<ClimbStep, { do: Do }>, pod: KeptPod) => Promise<void>;
};

const EXECUTORS: Executors = {
  "make-cgroup": async (_step, pod) => {
    const { cgroup } = pod.plan.sandbox;
    await makePodCgroup(cgroup, pod.facts);
    await writePodLimits(cgroup, pod.facts, makeEffective(pod.plan, pod.journal.state).pod);
  },
  "open-uplink": async (_step, pod) => pod.uplink?.open(),
  "make-files": async (_step, pod) => {
    mkdirSync(pod.plan.paths.files, { recursive: true, mode: 0o755 });
    for (const { path, text } of withAddresses(pod.plan, pod.journal.state).sandbox.files) {
      // A full disk would leave it empty.
      if (readTextIfAny(path) === text) continue;
      // In place where it is there already: it may be mounted, and a mount stays with its file.
      if (existsSync(path)) writeFileSync(path, text);
      else writeFileAtomic(path, text, 0o644);
    }
  },
  "make-volumes": async (_step, pod) => {
    makeVolumes(pod.plan.sandbox.volumes);
    await (await import("./volumes/pod-volumes.ts")).makePodVolumes(pod.plan);
  },
  "pin-namespaces": async (step, pod) => {
    mkdirSync(pod.plan.paths.namespaces, { recursive: true, mode: 0o700 });
    const pins = pod.plan.sandbox.namespaces.filter((pin) => pin.owner === step.owner && pin.from === "new");
    await pinNamespaces(pins);
  },
  "attach-networks": async (_step, pod) => (await import("./networks/pod-networks.ts")).attachNetworks(pod),
  "map-ids": async (step) => (await import("../host/map-ids.ts")).mapIds(step),
  mount: async (step) => mountAll(step.mounts),
  "write-bundles": async (_step, pod) => {
    const plan = withAddresses(withUpdates(pod.plan, pod.journal.state), pod.journal.state);
    if (plan.sandbox.vault === undefined) writeBundles(plan);
    else (await import("./volumes/vault.ts")).writeSecretBundles(plan, pod.journal.state);
  },
  "open-io": async (step, pod) => {
    const { status, attempt } = keeperOf(pod, step.container).state;
    // Later on, an io that is missing was there before; recovery sees to that.
    if (status === "planned" || status === "creating")
      await pod.io.open(plannedContainer(pod.plan, step.container), { attempt });
  },
  "create-container": async (step, pod) => keeperOf(pod, step.container).create(),
  "pin-from-container": async (step, pod) => {
    const { pid } = keeperOf(pod, step.container).state;
    if (pid !== undefined) for (const pin of pinsFrom(pod.plan, step.container)) await pinFromProcess(pin, pid);
  },
  "start-container": async (step, pod) => keeperOf(pod, step.container).start(),
  "run-container": async (step, pod) => keeperOf(pod, step.container).run(),
};

/** All steps of a stage side by side; waits for all of them, so that an undo never overlaps a step. */
export async function executeStage(stage: readonly ClimbStep[], pod: KeptPod): Promise<void> {
  const ends = await Promise.allSettled(stage.map((step) => executeStep(step, pod)));
  const failed = ends.find((end) => end.status === "rejected");
  if (failed) throw failed.reason;
}

export function executeStep<Do extends ClimbStep["do"]>(
  step: Extract<ClimbStep, { do: Do }>,
  pod: KeptPod,
): Promise<void> {
  const execute: (step: Extract<ClimbStep, { do: Do }>, pod: KeptPod) => Promise<void> = EXECUTORS[step.do as Do];
  return execute(step, pod);
}

/** True for the steps that concern one container alone, and this one. */
export function isStepOf(step: ClimbStep, name: ContainerName): boolean {
  return "container" in step && step.container === name;
}

/** True for the steps that `create` leaves to `start`. */
export function isStartStep(step: ClimbStep): step is Extract<Step, { do: "start-container" }> {
  return step.do === "start-container";
}

function keeperOf(pod: KeptPod, name: ContainerName) {
  const keeper = pod.containers.get(name);
  if (keeper === undefined) throw new Error(`no keeper for container ${name}`);
  return keeper;
}
