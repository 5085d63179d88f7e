// What `restart` needs beside the ways down and up that there are: the asking that containers be ended and started again,
// and the clearing away of a whole pod's last lives. What stands in the kernel and in volumes stays: it is the same pod.

import { PeapodError } from "../base/errors.ts";
import { unpinNamespaces } from "../host/namespaces.ts";
import { isLent } from "../plan/pins.ts";
import type { ContainerState } from "../state/pod-state.ts";
import type { ContainerKeeper } from "./container-keeper.ts";
import type { KeptPod } from "./context.ts";
import { endIo } from "./renew.ts";
import { makeStartFailure } from "./start-failure.ts";

export interface RestartAsked {
  readonly request: string;
  readonly graceMs: number;
}

/**
 * Journals that these are to be restarted, and resolves when each has been; the conductor does it.
 * @throws WRONG_STATE where the pod ends before, RUNTIME_FAILED where one does not come up again
 */
export async function restartContainers(
  pod: KeptPod,
  keepers: readonly ContainerKeeper[],
  { request, graceMs }: RestartAsked,
): Promise<void> {
  const { journal } = pod;
  const names = new Set(keepers.map(({ planned }) => planned.name));
  const isAskedAgain = journal.hasRequest("restarted", request);
  const begun = untilRestarted(pod, names);
  if (!isAskedAgain) {
    for (const keeper of keepers) assertRestartable(keeper);
    const endBy = new Date(Date.now() + graceMs).toISOString();
    for (const container of names) journal.append({ type: "container.restarting", container, request, endBy });
  }
  await begun();
}

/** Listens from now on, so that nothing is missed between the asking and the waiting. */
function untilRestarted({ journal, plan }: KeptPod, names: ReadonlySet<string>): () => Promise<void> {
  const meant = () => journal.state.containers.filter(({ name }) => names.has(name));
  return async () => {
    await journal.until(() => journal.state.exitedAt !== undefined || meant().every(hasBegunAgain));
    const failed = meant().find((one) => one.reason === "StartError" && one.restartBy === undefined);
    if (failed !== undefined) throw makeStartFailure(failed, "did not start again");
    if (!meant().every(hasBegunAgain))
      throw new PeapodError("WRONG_STATE", `pod ${plan.pod}: ended before its containers were started again`);
  };
}

function hasBegunAgain({ status, restartBy }: ContainerState): boolean {
  return restartBy === undefined && (status === "running" || status === "exited");
}

function assertRestartable({ planned: { name, role }, state }: ContainerKeeper): void {
  if (role === "init") {
    throw new PeapodError("WRONG_STATE", `container ${name}: is an init container, which runs before the others`, {
      hint: "restart the pod, and it runs again",
    });
  }
  if (state.status === "planned")
    throw new PeapodError("WRONG_STATE", `container ${name}: has not been started yet, it waits for its turn`);
}

/** For a pod that has ended: each container is deleted then, and its last words are in its log. May be called again. */
export async function clearContainers(pod: KeptPod): Promise<void> {
  const keepers = [...pod.containers.values()].filter(({ state }) => state.status !== "planned");
  // The first process of what the pod shares is the only one that still lives.
  await Promise.all(keepers.map((keeper) => keeper.kill()));
  await Promise.all(keepers.map((keeper) => keeper.delete()));
  await Promise.all(keepers.map(({ planned }) => endIo(pod, planned)));
  const lent = pod.plan.sandbox.namespaces.filter(isLent);
  const { networks } = pod.plan.sandbox;
  // With the namespace its interfaces go; the plugins have to be told before.
  if (networks !== undefined && lent.some(({ file }) => networks.some(({ netns }) => netns === file))) {
    await (await import("./networks/pod-networks.ts")).detachNetworks(pod.plan);
    if (pod.journal.state.networks !== undefined) pod.journal.append({ type: "pod.detached" });
  }
  const { uplink } = pod.plan.sandbox;
  if (uplink !== undefined && lent.some(({ file }) => uplink.netns === file)) {
    await pod.uplink?.end();
    if (pod.journal.state.networks !== undefined) pod.journal.append({ type: "pod.detached" });
  }
  if (lent.length > 0) await unpinNamespaces(lent.map(({ file }) => file));
}

/** Those that could not even be made have ended, too: with the pod's failure. */
export function failUnmade(pod: KeptPod, reason: PeapodError): void {
  const { stages, followers } = pod.plan;
  const first = new Set(stages.flat().flatMap((step) => ("container" in step ? [step.container] : [])));
  const waiting = new Set(followers.flatMap(({ containers }) => containers).filter((name) => !first.has(name)));
  for (const keeper of pod.containers.values()) {
    const { status } = keeper.state;
    if (status === "creating" || (status === "planned" && !waiting.has(keeper.planned.name))) keeper.fail(reason);
  }
}
