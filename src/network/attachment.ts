// One attachment on its way up, checked, and down again. INVARIANT: before a plugin is run the record says so; while
// anything of the attachment may be there its record is there.

import { isIP } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { asPeapodError, PeapodError } from "../base/errors.ts";
import { callPlugin } from "./call-plugin.ts";
import { makeCall, makeOrder } from "./make-calls.ts";
import type { PlannedNetwork, PluginResult, PortMapping } from "./network.ts";
import { convertResult, makeAttached, makePluginError, parseResult, TRY_AGAIN } from "./parse-answer.ts";
import { spellAddress, tellPort } from "./ports.ts";
import {
  type AttachmentOwner,
  type AttachmentRecord,
  readRecord,
  removeRecord,
  writeRecord,
  writeRecordIfRoom,
} from "./records.ts";

/** Before each further try where a plugin asks for one. */
const AGAIN_MS = [250, 1000];

/** ADD of all plugins in order. @throws NETWORK_FAILED, TIMED_OUT, HOST_LACKS; then all was given back */
export async function addNetwork(network: PlannedNetwork, owner: AttachmentOwner): Promise<PluginResult> {
  for (const pauseMs of [...AGAIN_MS, undefined]) {
    try {
      return await addOnce(network, owner);
    } catch (error) {
      const reason = asPeapodError(error, `network ${network.name}`);
      await undo(network.record, reason);
      if (pauseMs === undefined || (reason.detail as { code?: unknown } | undefined)?.code !== TRY_AGAIN) throw reason;
      await sleep(pauseMs);
    }
  }
  throw new PeapodError("BUG", `network ${network.name}: no try was the last one`);
}

async function addOnce(network: PlannedNetwork, owner: AttachmentOwner): Promise<PluginResult> {
  const record: AttachmentRecord = { version: 1, ...owner, network, phase: "adding" };
  writeRecord(record);
  let result: PluginResult = {};
  for (const index of makeOrder(network.list, "ADD")) {
    const call = makeCall(network, "ADD", index, index === 0 ? undefined : result);
    const asked = askedOf(network, call.type, "ADD");
    const done = await callPlugin(call, { ...network, network: network.name });
    const failure = makePluginError(asked, done);
    if (failure !== undefined) throw failure;
    result = convertResult(parseResult(asked, done), network.list);
    const isLast = index === network.list.plugins.length - 1;
    if (isLast) assertWanted(network, result);
    writeRecord({ ...record, phase: isLast ? "added" : "adding", result });
  }
  return result;
}

/** What the user asked for by name is there, or it is no success. */
function assertWanted({ name, interface: ifname, wanted, capabilities }: PlannedNetwork, result: PluginResult): void {
  const attached = makeAttached(name, ifname, result);
  const addresses = attached.ips.map(({ address }) => address);
  const missing = wanted.ips.find((ip) => !addresses.some((address) => isSameAddress(address, ip)));
  if (missing !== undefined) {
    const got = addresses.join(", ") || "none";
    throw new PeapodError("NETWORK_FAILED", `network ${name}: gave the address ${got} where ${missing} was asked for`, {
      hint: "its ipam plugin takes no address: host-local does, by the capability ips",
    });
  }
  if (wanted.mac !== undefined && attached.mac !== undefined && attached.mac.toLowerCase() !== wanted.mac.toLowerCase())
    throw new PeapodError(
      "NETWORK_FAILED",
      `network ${name}: gave the MAC ${attached.mac} where ${wanted.mac} was asked for`,
    );
  assertPorts(name, (capabilities.portMappings ?? []) as readonly PortMapping[], addresses);
}

/** portmap passes over a port at an address of a family that the pod has none of. */
function assertPorts(name: string, ports: readonly PortMapping[], addresses: readonly string[]): void {
  const families = addresses.map((address) => isIP(address));
  const wrong = ports.find(({ hostIP }) => hostIP !== undefined && !families.includes(isIP(hostIP)));
  if (wrong === undefined) return;
  const family = isIP(wrong.hostIP ?? "");
  throw new PeapodError("NETWORK_FAILED", `network ${name}: gave no IPv${family} address for ${tellPort(wrong)}`, {
    hint: `publish it at an address of IPv${family === 4 ? 6 : 4}, or give the network a range of IPv${family}`,
  });
}

function isSameAddress(one: string, other: string): boolean {
  const [plain, otherPlain] = [one, other].map((text) => spellAddress(text.replace(/\/.*$/, "")));
  return plain === otherPlain;
}

/** Whatever is left of a failed ADD; where that fails too, the record stays for `doctor`. */
async function undo(path: string, reason: PeapodError): Promise<void> {
  await removeAttachment(path).catch((error: unknown) => {
    if (isStuckAtStart(path, reason, error)) return removeRecord(path);
    const detail = reason.detail as Record<string, unknown> | undefined;
    if (detail !== undefined) detail.leftOver = error instanceof Error ? error.message : String(error);
  });
}

/**
 * The first plugin refused DEL in the very words in which it had refused ADD: it came no further than to its own
 * configuration (a macvlan whose master is not there), has made nothing, and would say so for ever.
 */
function isStuckAtStart(path: string, reason: PeapodError, error: unknown): boolean {
  const isTold = (reason.detail as { code?: unknown } | undefined)?.code !== undefined;
  return isTold && error instanceof PeapodError && error.message === reason.message && !readRecord(path)?.result;
}

/** CHECK of all plugins, where list and version have it; the first one's complaint, or nothing. */
export async function checkAttachment({ network, result }: AttachmentRecord): Promise<PeapodError | undefined> {
  const { list } = network;
  if (list.disableCheck || list.cniVersion.startsWith("0.3") || result === undefined) return undefined;
  for (const index of makeOrder(list, "CHECK")) {
    const call = makeCall(network, "CHECK", index, result);
    const done = await callPlugin(call, { ...network, network: network.name });
    const failure = makePluginError(askedOf(network, call.type, "CHECK"), done);
    if (failure !== undefined) return failure;
  }
  return undefined;
}

/**
 * DEL of all plugins in reverse, each whatever the others said, then the record goes. What is not there is no error.
 * `netns`: empty where the namespace is gone.
 * @throws what the first one said that failed; the record stays then
 */
export async function removeAttachment(path: string, { netns }: { readonly netns?: string } = {}): Promise<void> {
  const record = readRecord(path);
  if (record === undefined) return removeRecord(path);
  const network = netns === undefined ? record.network : { ...record.network, netns };
  if (record.phase !== "deleting") writeRecordIfRoom({ ...record, phase: "deleting" });
  // Before 0.4.0 nothing was handed to DEL.
  const prevResult = network.list.cniVersion.startsWith("0.3") ? undefined : record.result;
  let first: PeapodError | undefined;
  for (const index of makeOrder(network.list, "DEL")) {
    const failure = await removeFrom(network, index, prevResult);
    first ??= failure;
  }
  if (first === undefined) return removeRecord(path);
  writeRecordIfRoom({ ...record, phase: "deleting", failure: first.message });
  throw first;
}

async function removeFrom(
  network: PlannedNetwork,
  index: number,
  prevResult: PluginResult | undefined,
): Promise<PeapodError | undefined> {
  const call = makeCall(network, "DEL", index, prevResult);
  try {
    const done = await callPlugin(call, { ...network, network: network.name });
    return makePluginError(askedOf(network, call.type, "DEL"), done);
  } catch (error) {
    return asPeapodError(error, `network ${network.name}`);
  }
}

function askedOf(network: PlannedNetwork, type: string, verb: "ADD" | "CHECK" | "DEL") {
  return { network: network.name, type, verb, timeoutMs: network.timeoutMs };
}
