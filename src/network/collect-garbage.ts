// GC of CNI 1.1: each plugin of a list is told which attachments live, and forgets all others. Others than we use the same
// lists: what podman, containerd or cnitool have attached stands in libcni's cache, and lives as well.

import { asPeapodError } from "../base/errors.ts";
import { readNames, readTextIfAny } from "../base/files.ts";
import { callPlugin } from "./call-plugin.ts";
import { makeListCall, makeOrder } from "./make-calls.ts";
import type { NetworkList } from "./network.ts";
import { makePluginError, parseVersions } from "./parse-answer.ts";
import { type CniPlaces, readAllNetworks, readPlaces } from "./read-lists.ts";
import { readRecord, readRecordPaths } from "./records.ts";

/** libcni's, by default; entries of `cniCacheV1`. */
const OTHERS_DIR = "/var/lib/cni/results";

interface Attachment {
  readonly network: string;
  readonly containerId: string;
  readonly interface: string;
}

/** For every list that is there and speaks 1.1; a sentence for each plugin that failed. */
export async function collectGarbage(): Promise<readonly string[]> {
  const places = readPlaces();
  const lists = readAllNetworks(places).flatMap(({ list }) => ("plugins" in list ? [list] : []));
  const problems: string[] = [];
  for (const list of lists) {
    if (list.disableGC || list.cniVersion !== "1.1.0") continue;
    try {
      problems.push(...(await collectOf(list, places)));
    } catch (error) {
      problems.push(asPeapodError(error, `network ${list.name}`).message);
    }
  }
  return problems;
}

async function collectOf(list: NetworkList, places: CniPlaces): Promise<readonly string[]> {
  const order = makeOrder(list, "GC");
  const limits = { ...places, network: list.name };
  for (const index of order) {
    const { stdout } = await callPlugin(makeListCall(list, index, "VERSION", places.path), limits);
    // One that does not know the verb would fail, or do something else.
    if (!parseVersions(stdout).includes("1.1.0")) return [];
  }
  // Read last: what is attached from here on would be taken for garbage else.
  const living = [...readOurs(), ...readOthers()].filter(({ network }) => network === list.name);
  const problems: string[] = [];
  for (const index of order) {
    const call = makeListCall(list, index, "GC", places.path, living);
    const asked = { network: list.name, type: call.type, verb: "GC", timeoutMs: places.timeoutMs } as const;
    const failure = makePluginError(asked, await callPlugin(call, limits));
    if (failure !== undefined) problems.push(failure.message);
  }
  return problems;
}

/** Whatever their root, and whether their pods are up or just being made. */
function readOurs(): Attachment[] {
  return readRecordPaths().flatMap((path) => {
    const network = readRecord(path)?.network;
    if (network === undefined) return [];
    return [{ network: network.name, containerId: network.containerId, interface: network.interface }];
  });
}

function readOthers(): Attachment[] {
  return readNames(OTHERS_DIR).flatMap((name) => {
    try {
      const found = JSON.parse(readTextIfAny(`${OTHERS_DIR}/${name}`) ?? "") as Record<string, unknown>;
      const { networkName, containerId, ifName } = found;
      if (typeof networkName !== "string" || typeof containerId !== "string" || typeof ifName !== "string") return [];
      return [{ network: networkName, containerId, interface: ifName }];
    } catch {
      return [];
    }
  });
}
