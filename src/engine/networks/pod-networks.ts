// A pod's networks on its way up and down, whatever happened to a supervisor before us in the middle of either.

import { PeapodError } from "../../base/errors.ts";
import { readTextIfAny } from "../../base/files.ts";
import type { PodName } from "../../base/names.ts";
import { makePodPaths } from "../../base/paths.ts";
import { isPinned } from "../../host/namespace-ids.ts";
import { endTools, findByEnvironment, waitForTools } from "../../host/tools-of.ts";
import { addNetwork, removeAttachment } from "../../network/attachment.ts";
import type { PlannedNetwork, PluginResult } from "../../network/network.ts";
import { makeAttached, makeDns } from "../../network/parse-answer.ts";
import {
  type AttachmentRecord,
  isOfOtherBoot,
  readBootId,
  readRecord,
  readRecordPaths,
} from "../../network/records.ts";
import type { Plan } from "../../plan/plan.ts";
import type { KeptPod } from "../context.ts";
import { writeAddresses } from "./write-addresses.ts";

/** `doctor` clears all of them; a pod that waits for its address must not wait for two hundred others. */
const CLEARED_AT_ONCE = 4;

/** Attached already, it stays as it is. @throws NETWORK_FAILED, TIMED_OUT, HOST_LACKS; then it is attached to nothing */
export async function attachNetworks(pod: KeptPod): Promise<void> {
  const { plan, journal } = pod;
  const networks = plan.sandbox.networks ?? [];
  if (journal.state.networks === undefined) {
    await clearOtherBoots(pod);
    const results: PluginResult[] = [];
    for (const network of networks) {
      // A supervisor before us was cut short, and nobody knows how far it came.
      await clear(network);
      results.push(await addNetwork(network, { root: plan.root, pod: plan.pod }));
    }
    const attached = networks.map(({ name, interface: ifname }, at) => makeAttached(name, ifname, results[at] ?? {}));
    journal.append({ type: "pod.attached", networks: attached, dns: makeDns(results) });
  }
  writeAddresses(plan, journal.state);
}

/** Gives back what there is. @throws why the first could not be left; its record stays then */
export async function detachNetworks({ sandbox }: Pick<Plan, "sandbox">): Promise<void> {
  let first: unknown;
  for (const network of [...(sandbox.networks ?? [])].reverse()) {
    try {
      await clear(network);
    } catch (error) {
      first ??= error;
    }
  }
  if (first !== undefined) throw first;
}

/** After a crash of the machine plugins may still take addresses for given away that nobody has. A few at a time. */
async function clearOtherBoots(pod: KeptPod): Promise<void> {
  const bootId = readBootId();
  const left = readRecordPaths().filter((path) => isOfOtherBoot(path, bootId));
  for (const path of left.slice(0, CLEARED_AT_ONCE)) {
    await removeAttachment(path, { netns: "" }).catch((error: unknown) => {
      pod.report(error, `what ${path} tells of could not be given back`);
    });
  }
}

/** Of a pod whose plan is gone, by its network namespace's path: all that the records tell. */
export async function leaveNetworks(netns: string): Promise<void> {
  for (const path of readRecordPaths()) {
    if (readRecord(path)?.network.netns !== netns) continue;
    // Where it fails the record tells, and `doctor` asks again.
    await leaveNetwork(path).catch(() => undefined);
  }
}

/** By its record alone. @throws what the plugins say, STATE_DAMAGED */
export async function leaveNetwork(path: string): Promise<void> {
  const record = readRecord(path);
  if (record === undefined) return;
  await endOrphans(record.network);
  await removeAttachment(path, hasNamespace(record) ? {} : { netns: "" });
}

/** A later pod of that name has its namespace at the same path, and must not lose its interfaces. */
function hasNamespace({ root, pod, network }: AttachmentRecord): boolean {
  const plan = readTextIfAny(makePodPaths(root, pod as PodName).plan);
  const isLaterOnes = plan !== undefined && !plan.includes(JSON.stringify(network.record));
  return !isLaterOnes && isPinned(network.netns);
}

async function clear(network: PlannedNetwork): Promise<void> {
  if (readRecord(network.record) === undefined) return;
  await endOrphans(network);
  await removeAttachment(network.record);
}

/** Plugins outlive the supervisor that started them. They are let to end, since half of what they do is harder to undo. */
async function endOrphans({ name, containerId, timeoutMs }: PlannedNetwork): Promise<void> {
  const find = () => findByEnvironment("CNI_CONTAINERID", containerId);
  if (await waitForTools(find, timeoutMs)) return;
  await endTools(find);
  if (find().length > 0) throw new PeapodError("TIMED_OUT", `network ${name}: a plugin of before cannot be ended`);
}
