// `peapod network`: which networks there are, what they say of themselves, and whether a pod still has what they gave it.

import type { PeapodError } from "../../base/errors.ts";
import type { PodName } from "../../base/names.ts";
import { checkAttachment } from "../../network/attachment.ts";
import { callPlugin } from "../../network/call-plugin.ts";
import { makeListCall, makeOrder } from "../../network/make-calls.ts";
import type { NetworkList } from "../../network/network.ts";
import { makePluginError } from "../../network/parse-answer.ts";
import { type CniPlaces, readAllNetworks, readNetwork, readOwnNetwork, readPlaces } from "../../network/read-lists.ts";
import { readRecord, readRecordPaths } from "../../network/records.ts";
import type { NetworkSummary } from "../engine.ts";
import { readPlan } from "../looking/reader.ts";

export async function listNetworks(): Promise<readonly NetworkSummary[]> {
  const places = readPlaces();
  const files = readAllNetworks(places);
  const pods = readPods();
  const found: NetworkSummary[] = [];
  for (const { file, list } of files) {
    if ("plugins" in list) found.push(await summarize(list, places, pods, found.length === 0));
    else found.push({ ...NOTHING, file, isUsual: found.length === 0, fault: list.message });
  }
  const own = readOwnNetwork();
  if (found.some(({ name }) => name === own.name)) return found;
  return [...found, await summarize(own, places, pods, found.length === 0)];
}

const NOTHING = { name: "", cniVersion: "", plugins: [], pods: [] };

export async function inspectNetwork(name: string): Promise<NetworkList> {
  return readNetwork(name, readPlaces());
}

/** @throws NOT_FOUND, STATE_DAMAGED */
export async function checkPod(root: string, pod: PodName): Promise<readonly PeapodError[]> {
  const complaints: PeapodError[] = [];
  for (const { record: path } of readPlan(root, pod).sandbox.networks ?? []) {
    const record = readRecord(path);
    const complaint = record === undefined ? undefined : await checkAttachment(record);
    if (complaint !== undefined) complaints.push(complaint);
  }
  return complaints;
}

async function summarize(
  list: NetworkList,
  places: CniPlaces,
  pods: ReadonlyMap<string, readonly string[]>,
  isUsual: boolean,
): Promise<NetworkSummary> {
  const fault = await readFault(list, places);
  return {
    name: list.name,
    file: list.file,
    cniVersion: list.cniVersion,
    plugins: list.plugins.map(({ type }) => type),
    isUsual,
    pods: pods.get(list.name) ?? [],
    ...(fault === undefined ? {} : { fault }),
  };
}

/** What the plugins say of their readiness, where the list's version lets them be asked. */
async function readFault(list: NetworkList, places: CniPlaces): Promise<string | undefined> {
  if (list.cniVersion !== "1.1.0") return undefined;
  for (const index of makeOrder(list, "STATUS")) {
    const call = makeListCall(list, index, "STATUS", places.path);
    try {
      const done = await callPlugin(call, { ...places, network: list.name });
      const asked = { network: list.name, type: call.type, verb: "STATUS", timeoutMs: places.timeoutMs } as const;
      const failure = makePluginError(asked, done);
      if (failure !== undefined) return failure.message;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
  return undefined;
}

function readPods(): ReadonlyMap<string, readonly string[]> {
  const pods = new Map<string, string[]>();
  for (const path of readRecordPaths()) {
    const record = readRecord(path);
    if (record !== undefined) pods.set(record.network.name, [...(pods.get(record.network.name) ?? []), record.pod]);
  }
  return pods;
}
