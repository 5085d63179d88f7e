// What brings a user's pod to the network: a program of his own that carries packets between the pod's network namespace
// and sockets of his (pasta(1), slirp4netns(1)), since nobody but root may connect namespaces. Pure.

import { join } from "node:path";
import { PeapodError } from "../base/errors.ts";
import type { HostFacts } from "../host/facts.ts";
import type { PinnedNamespace } from "./plan.ts";

export const UPLINK_KINDS = ["pasta", "slirp4netns"] as const;
export type UplinkKind = (typeof UPLINK_KINDS)[number];

export interface UplinkPort {
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: "tcp" | "udp" | "sctp";
  /** Absent: all addresses of the host. */
  readonly hostIP?: string;
  /** The user's words, for errors. */
  readonly place?: string;
}

export interface PlannedUplink {
  readonly kind: UplinkKind;
  /** Absolute path. */
  readonly program: string;
  /** The pinned namespace. */
  readonly netns: string;
  /** Where its pid and its last words lie. */
  readonly dir: string;
  readonly ports: readonly UplinkPort[];
  /** The pod's name server, which it answers for the host's own. */
  readonly nameserver?: string;
}

export interface UplinkInput {
  /** As PEAPOD_NETWORK has it; empty: whatever is installed. */
  readonly wanted: string;
  readonly facts: HostFacts;
  readonly pinned: readonly PinnedNamespace[];
  readonly ports: readonly UplinkPort[];
  readonly podDir: string;
  readonly resolvConf: string;
}

/** `why`: the pod is left with a loopback device although nobody asked for that. */
export interface UplinkChoice {
  readonly uplink?: PlannedUplink;
  readonly why?: string;
}

/** The pod's end. */
export const UPLINK_DEVICE = "eth0";
/** slirp4netns answers there; see its `--disable-dns`. */
const SLIRP_NAMESERVER = "10.0.2.3";
/** Link-local, so that it is nobody else's. */
const PASTA_NAMESERVER = "169.254.1.1";

/** @throws NOT_SUPPORTED for networks that a user cannot have, HOST_LACKS for a program that was named and cannot run */
export function makeUplink({ wanted, facts, pinned, ports, podDir, resolvConf }: UplinkInput): UplinkChoice {
  const { user } = facts;
  const pin = pinned.find(({ kind, owner }) => kind === "net" && owner === "pod");
  if (user === undefined || pin === undefined || wanted === "none") return {};
  const kind = chooseKind(wanted, facts);
  if ("why" in kind) return kind;
  for (const port of ports) assertPort(port, kind.kind, user.firstPort ?? 1024);
  return {
    uplink: {
      ...kind,
      netns: pin.file,
      dir: join(podDir, "uplink"),
      ports,
      ...makeNameserver(kind.kind, resolvConf),
    },
  };
}

function chooseKind(wanted: string, { user }: HostFacts): { kind: UplinkKind; program: string } | { why: string } {
  const there = user?.uplinks ?? {};
  const named = UPLINK_KINDS.find((kind) => kind === wanted);
  if (wanted !== "" && named === undefined)
    throw new PeapodError("NOT_SUPPORTED", `network ${wanted}: is for root's pods, who alone may connect namespaces`, {
      hint: "a user's pod has pasta, slirp4netns or none",
    });
  const kind = named ?? UPLINK_KINDS.find((one) => there[one] !== undefined);
  const program = kind === undefined ? undefined : there[kind];
  const lacks =
    kind === undefined || program === undefined
      ? `${named ?? "neither pasta nor slirp4netns"} is not installed`.replace(
          "neither pasta nor slirp4netns is not",
          "neither pasta nor slirp4netns is",
        )
      : user?.hasTun === false
        ? "/dev/net/tun cannot be opened by you"
        : undefined;
  if (lacks === undefined && kind !== undefined && program !== undefined) return { kind, program };
  if (named === undefined) return { why: `has no network but its loopback device: ${lacks}` };
  throw new PeapodError("HOST_LACKS", `network ${wanted}: ${lacks}`, {
    hint: "Debian's packages are passt and slirp4netns; docs/rootless.md",
  });
}

function assertPort({ hostPort, protocol }: UplinkPort, kind: UplinkKind, firstPort: number): void {
  if (protocol === "sctp")
    throw new PeapodError("NOT_SUPPORTED", `port ${hostPort}/sctp: ${kind} carries tcp and udp only`);
  if (hostPort >= firstPort) return;
  throw new PeapodError("NOT_PERMITTED", `port ${hostPort}/${protocol}: ports below ${firstPort} are for root alone`, {
    hint: "choose a higher one; net.ipv4.ip_unprivileged_port_start says which",
  });
}

/** Name servers on the host's own loopback are not to be reached from the pod. */
function makeNameserver(kind: UplinkKind, resolvConf: string): Pick<PlannedUplink, "nameserver"> {
  if (kind === "slirp4netns") return { nameserver: SLIRP_NAMESERVER };
  return /^nameserver\s+(127\.|::1)/m.test(resolvConf) ? { nameserver: PASTA_NAMESERVER } : {};
}

/** The pod's resolv.conf: with the uplink's name server in place of the host's, where it has one. */
export function makeUplinkResolvConf(text: string, uplink: PlannedUplink | undefined): string {
  if (uplink?.nameserver === undefined) return text;
  const others = text.split("\n").filter((line) => line !== "" && !/^nameserver\s/.test(line));
  return [`nameserver ${uplink.nameserver}`, ...others, ""].join("\n");
}

/** It puts itself into the background once it is ready. */
export function makePastaArgs({ netns, dir, ports, nameserver }: PlannedUplink): string[] {
  const forward = (protocol: "tcp" | "udp", flag: string) => {
    const own = ports.filter((port) => port.protocol === protocol);
    if (own.length === 0) return [flag, "none"];
    return own.flatMap(({ hostIP, hostPort, containerPort }) => [
      flag,
      `${hostIP === undefined ? "" : `${hostIP}/`}${hostPort}:${containerPort}`,
    ]);
  };
  return [
    ...["--config-net", "--quiet", "--no-map-gw", "--ns-ifname", UPLINK_DEVICE],
    ...(nameserver === undefined ? [] : ["--dns-forward", nameserver]),
    ...[...forward("tcp", "-t"), ...forward("udp", "-u"), "-T", "none", "-U", "none"],
    ...["--pid", join(dir, "pid"), "--netns", netns],
  ];
}

/** It stays in the foreground, and writes to descriptor 3 when it is ready. */
export function makeSlirpArgs({ netns, dir }: PlannedUplink): string[] {
  return [
    ...["--configure", "--mtu=65520", "--disable-host-loopback", "--netns-type=path", "--ready-fd=3"],
    ...["--api-socket", join(dir, "api"), netns, UPLINK_DEVICE],
  ];
}

/** What its socket is asked for each port; see slirp4netns(1), "API socket". */
export function makeSlirpRequests({ ports }: PlannedUplink): object[] {
  return ports.map(({ protocol, hostIP, hostPort, containerPort }) => ({
    execute: "add_hostfwd",
    arguments: {
      proto: protocol,
      host_addr: hostIP ?? "0.0.0.0",
      host_port: hostPort,
      guest_addr: "10.0.2.100",
      guest_port: containerPort,
    },
  }));
}
