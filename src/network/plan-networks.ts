// From the networks that a pod is to have to what their plugins will be asked with. Reads lists and looks for plugins;
// runs none.

import { PeapodError } from "../base/errors.ts";
import { assertPlugins } from "./call-plugin.ts";
import type { NetworkChoice, NetworkWord } from "./choose.ts";
import { declares } from "./make-calls.ts";
import type { NetworkList, PlannedNetwork, PortMapping } from "./network.ts";
import { readNetwork, readPlaces, readUsualNetwork } from "./read-lists.ts";
import { makeRecordPath, readBootId } from "./records.ts";

export interface PlanNetworksInput {
  readonly choice: NetworkChoice;
  readonly pod: string;
  readonly namespace: string;
  readonly uid: string;
  /** Where its network namespace will be pinned. */
  readonly netns: string;
  readonly ports: readonly PortMapping[];
  /** Bits a second, by the annotations that Kubernetes has for it. */
  readonly bandwidth?: { readonly ingressRate?: number; readonly egressRate?: number };
  readonly dns?: {
    readonly servers: readonly string[];
    readonly searches: readonly string[];
    readonly options: readonly string[];
  };
}

/** None for none, host and path. @throws BAD_MANIFEST, NOT_FOUND, HOST_LACKS, NOT_SUPPORTED */
export function planNetworks(input: PlanNetworksInput): readonly PlannedNetwork[] {
  const { choice } = input;
  if (choice.mode !== "default" && choice.mode !== "networks") return [];
  const places = readPlaces();
  const bootId = readBootId();
  const words: readonly (NetworkWord | undefined)[] = choice.mode === "networks" ? choice.words : [undefined];
  const taken = new Set(words.flatMap((word) => word?.interface ?? []));
  const lists = words.map((word) => (word === undefined ? readUsualNetwork(places) : readNetwork(word.name, places)));
  const planned = words.map((word, index): PlannedNetwork => {
    const list = lists[index] as NetworkList;
    assertPlugins(list, places.path);
    const ifname = word?.interface ?? freeName(taken);
    taken.add(ifname);
    const containerId = `${input.pod}-${input.uid}`;
    return {
      name: list.name,
      interface: ifname,
      containerId,
      netns: input.netns,
      list,
      path: places.path,
      timeoutMs: places.timeoutMs,
      args: makeArgs(input, containerId, list, word),
      capabilities: makeCapabilities(input, word, list === lists.find((one) => declares(one, "portMappings"))),
      wanted: { ips: word?.ips ?? [], ...(word?.mac === undefined ? {} : { mac: word.mac }) },
      record: makeRecordPath(bootId, containerId, ifname),
    };
  });
  assertPorts(input.ports, planned);
  return planned;
}

function freeName(taken: ReadonlySet<string>): string {
  for (let number = 0; ; number += 1) if (!taken.has(`eth${number}`)) return `eth${number}`;
}

/** As CRI runtimes name a pod; and address and MAC for those who know no capability for them. */
function makeArgs(
  { pod, namespace, uid }: PlanNetworksInput,
  containerId: string,
  list: NetworkList,
  word: NetworkWord | undefined,
): Record<string, string> {
  const [ip] = word?.ips ?? [];
  return {
    IgnoreUnknown: "1",
    K8S_POD_NAMESPACE: namespace,
    K8S_POD_NAME: pod,
    K8S_POD_INFRA_CONTAINER_ID: containerId,
    K8S_POD_UID: uid,
    ...(ip !== undefined && !declares(list, "ips") ? { IP: ip } : {}),
    ...(word?.mac !== undefined && !declares(list, "mac") ? { MAC: word.mac } : {}),
  };
}

/** CNI conventions, "dynamic plugin specific fields". */
function makeCapabilities(
  { ports, bandwidth, dns }: PlanNetworksInput,
  word: NetworkWord | undefined,
  publishes: boolean,
): Record<string, unknown> {
  return {
    // One network does it: the others' rules would never be come to.
    ...(ports.length === 0 || !publishes ? {} : { portMappings: ports }),
    ...(word === undefined || word.ips.length === 0 ? {} : { ips: word.ips }),
    ...(word?.mac === undefined ? {} : { mac: word.mac }),
    ...(word === undefined || word.aliases.length === 0 ? {} : { aliases: { [word.name]: word.aliases } }),
    ...(bandwidth === undefined ? {} : { bandwidth: makeBandwidth(bandwidth) }),
    ...(dns === undefined ? {} : { dns }),
  };
}

/** The kubelet's: as much at once as there may be. */
function makeBandwidth({ ingressRate, egressRate }: NonNullable<PlanNetworksInput["bandwidth"]>): object {
  const burst = 2 ** 31 - 1;
  return {
    ...(ingressRate === undefined ? {} : { ingressRate, ingressBurst: burst }),
    ...(egressRate === undefined ? {} : { egressRate, egressBurst: burst }),
  };
}

/** A port that nobody would publish is no success. */
function assertPorts(ports: readonly PortMapping[], planned: readonly PlannedNetwork[]): void {
  const [port] = ports;
  if (port === undefined || planned.some(({ list }) => declares(list, "portMappings"))) return;
  const names = planned.map(({ name }) => name).join(", ");
  throw new PeapodError(
    "NOT_SUPPORTED",
    `port ${port.hostPort}: network ${names} publishes no ports, as no plugin of it has the capability portMappings`,
    { hint: 'add {"type": "portmap", "capabilities": {"portMappings": true}} to its plugins' },
  );
}
