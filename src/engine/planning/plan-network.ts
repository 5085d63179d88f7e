// What a pod has of the host's network, from what was chosen: its networks, and the ports of the host that lead to it.
// Reads what there is to read; asks no plugin. Loaded by pods that have a part in it.

import { join } from "node:path";
import { PeapodError } from "../../base/errors.ts";
import { makePodPaths } from "../../base/paths.ts";
import { PUBLISH } from "../../manifest/annotations.ts";
import type { Manifest } from "../../manifest/manifest.ts";
import { parseQuantity } from "../../manifest/quantity.ts";
import type { NetworkChoice } from "../../network/choose.ts";
import type { PortMapping } from "../../network/network.ts";
import { type PlanNetworksInput, planNetworks } from "../../network/plan-networks.ts";
import {
  assertPublishable,
  claimOf,
  mergePorts,
  parsePublish,
  type SaidPort,
  spellAddress,
  tellPort,
} from "../../network/ports.ts";
import type { PlanInput } from "../../plan/make-plan.ts";
import { ANEW } from "../../plan/members.ts";
import type { PlannedPort } from "../../plan/plan.ts";
import { makeContainerPointer, makePlace, makePointer } from "../../plan/where.ts";
import type { PlanRequest } from "../engine.ts";

/** Kubernetes' own, for the bandwidth plugin. */
const INGRESS = "kubernetes.io/ingress-bandwidth";
const EGRESS = "kubernetes.io/egress-bandwidth";

export interface PlanNetworkInput {
  readonly manifest: Manifest;
  readonly request: PlanRequest;
  readonly root: string;
  readonly uid: string;
  readonly choice: NetworkChoice;
  /** Of somebody who may connect no namespaces: programs of his own bring his pods to the network, see plan/uplink.ts. */
  readonly isUsers: boolean;
}

type Planned = Pick<PlanInput, "manifest" | "network" | "networks" | "netns" | "ports" | "uplink">;

/** @throws BAD_USAGE, BAD_MANIFEST, NOT_FOUND, HOST_LACKS, NOT_SUPPORTED */
export async function planNetwork(input: PlanNetworkInput): Promise<Planned> {
  const { manifest, request, root, uid, choice } = input;
  const { attached } = request;
  const ports = (attached?.ports ?? (await fillFree(readSaidPorts(input)))).map(asPlanned);
  if (attached !== undefined && choice.mode !== "path") {
    assertSamePorts(attached.ports, readSaidPorts(input), manifest);
    if (choice.mode !== "host")
      return { manifest, ...attached, ports, ...(input.isUsers ? { uplink: nameOfUplink(choice) } : {}) };
  }
  const reason = { source: "option", where: choice.by ?? "hostNetwork" } as const;
  switch (choice.mode) {
    case "host":
      return {
        manifest: withHostNetwork(manifest, choice.by),
        ...(choice.by === undefined ? {} : { network: { scope: { scope: "host" }, reason } }),
        ports: ports.map(asPlanned),
      };
    case "path":
      assertNone(ports, choice.by);
      return {
        manifest,
        network: { scope: { scope: "path", file: choice.file }, reason },
        ...(await readTheirs(input)),
      };
    case "none":
      assertNone(ports, choice.by);
      return { manifest, uplink: "none" };
    case "default":
    case "networks": {
      if (input.isUsers) return { manifest, ports: ports.map(asPlanned), uplink: nameOfUplink(choice) };
      assertPublishable(ports);
      const networks = planNetworks({
        choice,
        pod: manifest.metadata.name,
        namespace: manifest.metadata.namespace,
        uid,
        netns: join(makePodPaths(root, manifest.metadata.name).namespaces, "pod-net"),
        ports: ports.map(asMapping),
        ...readBandwidth(manifest),
        ...readDns(manifest),
      });
      return { manifest, networks, ports: ports.map(asPlanned) };
    }
  }
}

/** A bundle is run some other day. A pod that is there keeps the addresses that it was told. */
async function readTheirs({ choice, request }: PlanNetworkInput): Promise<Pick<Planned, "netns">> {
  if (choice.mode !== "path" || request.isBundle) return {};
  const { readNetns } = await import("../../host/read-netns.ts");
  const { podIPs, resolvConf } = await readNetns(choice.file);
  return {
    netns: {
      file: choice.file,
      podIPs: request.attached === undefined ? podIPs : (request.attached.podIPs ?? []),
      ...(resolvConf === undefined ? {} : { resolvConf }),
    },
  };
}

/** What the pod asks for itself: a network's own server may answer for it. */
function readDns({ spec: { dns } }: Manifest): Pick<PlanNetworksInput, "dns"> {
  const { nameservers, searches, options } = { ...dns, ...dns.instead };
  if ([nameservers, searches, options].every(({ length }) => length === 0)) return {};
  return { dns: { servers: nameservers, searches, options } };
}

/** What plan/uplink.ts does not know it refuses. */
function nameOfUplink(choice: NetworkChoice): string {
  if (choice.mode === "none") return "none";
  return choice.mode === "networks" ? choice.words.map(({ name }) => name).join(",") : "";
}

function readSaidPorts({ manifest, request: { publish = [] }, choice }: PlanNetworkInput): SaidPort[] {
  const ofManifest = manifest.spec.containers.flatMap(({ ports = [] }, index) =>
    ports.flatMap(({ containerPort, hostPort, hostIP, protocol }, at): SaidPort[] => {
      if (hostPort === undefined) return [];
      const pointer = `${makeContainerPointer(manifest, index, "ports")}${makePointer(at, "hostPort")}`;
      return [
        {
          hostPort,
          containerPort,
          protocol: protocol.toLowerCase() as PortMapping["protocol"],
          ...(hostIP === undefined ? {} : { hostIP: spellAddress(hostIP) }),
          place: makePlace(manifest.source, pointer),
        },
      ];
    }),
  );
  const text = manifest.metadata.annotations[PUBLISH];
  const place = makePlace(manifest.source, makePointer("metadata", "annotations", PUBLISH));
  const annotated = text === undefined ? [] : text.split(",").flatMap((one) => parsePublish(one.trim(), place));
  const option = publish.flatMap((one) => parsePublish(one));
  const said = mergePorts(annotated, option);
  if (choice.mode !== "host") return mergePorts(ofManifest, said);
  const [wrong] = said.filter(({ hostPort, containerPort }) => hostPort !== 0 && hostPort !== containerPort);
  if (wrong !== undefined)
    throw new PeapodError("BAD_USAGE", `${wrong.place}: the pod has the host's network, where both ports are one`);
  return mergePorts(
    ofManifest,
    said.map((port) => ({ ...port, hostPort: port.containerPort })),
  );
}

/** @throws NOT_SUPPORTED for a pod that runs and would have others */
function assertSamePorts(has: readonly SaidPort[], said: readonly SaidPort[], { metadata }: Manifest): void {
  const isThere = (port: SaidPort) =>
    has.some(
      (one) =>
        one.containerPort === port.containerPort &&
        one.protocol === port.protocol &&
        one.hostIP === port.hostIP &&
        (port.hostPort === 0 || one.hostPort === port.hostPort),
    );
  if (said.length === has.length && said.every(isThere)) return;
  throw new PeapodError("NOT_SUPPORTED", `pod ${metadata.name}: its published ports cannot change while it runs`, {
    hint: ANEW,
  });
}

/** Where any port will do. */
async function fillFree(ports: readonly SaidPort[]): Promise<SaidPort[]> {
  if (ports.every(({ hostPort }) => hostPort !== 0)) return [...ports];
  const { findFreePort } = await import("../networks/port-claims.ts");
  const taken = new Set(ports.map(({ hostPort }) => hostPort));
  const filled: SaidPort[] = [];
  for (const port of ports) {
    const hostPort = port.hostPort === 0 ? await findFreePort(port, taken) : port.hostPort;
    taken.add(hostPort);
    filled.push({ ...port, hostPort });
  }
  return filled;
}

function assertNone(ports: readonly SaidPort[], by: string | undefined): void {
  const [port] = ports;
  if (port === undefined) return;
  const isOption = port.place.startsWith("option");
  throw new PeapodError(
    isOption ? "BAD_USAGE" : "BAD_MANIFEST",
    `${tellPort(port)}: cannot lead to a pod without a network of peapod's making (${port.place}; ${by})`,
    { hint: "give the pod a network, or take the port away" },
  );
}

function withHostNetwork(manifest: Manifest, by: string | undefined): Manifest {
  if (!manifest.spec.hostUsers)
    throw new PeapodError("BAD_MANIFEST", `${by}: the pod has a user namespace of its own (hostUsers: false)`, {
      hint: "such a pod cannot have the host's network",
    });
  for (const { name, ports = [] } of manifest.spec.containers) {
    const wrong = ports.find(({ hostPort, containerPort }) => hostPort !== undefined && hostPort !== containerPort);
    if (wrong !== undefined)
      throw new PeapodError(
        "BAD_MANIFEST",
        `container ${name}: hostPort ${wrong.hostPort} is not containerPort ${wrong.containerPort}, and the pod has the host's network`,
      );
  }
  return { ...manifest, spec: { ...manifest.spec, hostNetwork: true } };
}

/** Bits a second. */
function readBandwidth({ metadata, source }: Manifest) {
  const read = (name: string): number | undefined => {
    const text = metadata.annotations[name];
    if (text === undefined) return undefined;
    const amount = parseQuantity(text);
    const rate = amount === undefined ? 0 : Math.round(Number(amount.digits) * 10 ** amount.tens);
    // The kubelet's bounds.
    if (rate >= 1000 && rate <= 1e15) return rate;
    const place = makePlace(source, makePointer("metadata", "annotations", name));
    throw new PeapodError("BAD_MANIFEST", `annotation ${name}: ${text} is not a rate from 1k to 1P (${place})`);
  };
  const [ingressRate, egressRate] = [read(INGRESS), read(EGRESS)];
  if (ingressRate === undefined && egressRate === undefined) return {};
  return {
    bandwidth: {
      ...(ingressRate === undefined ? {} : { ingressRate }),
      ...(egressRate === undefined ? {} : { egressRate }),
    },
  };
}

function asMapping({ place: _, ...mapping }: SaidPort): PortMapping {
  return mapping;
}

function asPlanned(port: SaidPort): PlannedPort {
  return { ...port, claim: claimOf(port) };
}
