// Ports of the host that lead to a pod: the manifest's, and podman's words `-p [[IP:][HOST]:]CONTAINER[/PROTOCOL]`. Pure.

import { isIP } from "node:net";
import { join } from "node:path";
import { PeapodError } from "../base/errors.ts";
import { PORTS_DIR } from "../base/paths.ts";
import type { PortMapping } from "./network.ts";

export interface SaidPort extends PortMapping {
  /** The manifest's line, or the option. */
  readonly place: string;
}

/** `hostPort` 0: any that is free. `annotation`: where it stands, if in the manifest. @throws BAD_USAGE, BAD_MANIFEST */
export function parsePublish(text: string, annotation?: string): SaidPort[] {
  const by = annotation === undefined ? "option --publish" : `annotation peapod/publish (${annotation})`;
  const place = annotation ?? `option --publish ${text}`;
  const refuse = (why: string): never => {
    throw new PeapodError(annotation === undefined ? "BAD_USAGE" : "BAD_MANIFEST", `${by}: ${text}: ${why}`, {
      hint: "[[IP:][HOSTPORT[-LAST]]:]CONTAINERPORT[-LAST][/tcp|udp|sctp]",
    });
  };
  const match = /^(?:(?:\[([^\]]*)\]|([^:/[\]]*)):)??(?:([\d-]*):)?([\d-]+)(?:\/(\w+))?$/.exec(text);
  if (match === null) return refuse("is not a port");
  const [, ip6, ip4, host = "", container = "", word = "tcp"] = match;
  const hostIP = ip6 ?? ip4 ?? "";
  if (hostIP !== "" && (isIP(hostIP) === 0 || hostIP.includes("%"))) refuse(`${hostIP} is not an address`);
  const protocol = (["tcp", "udp", "sctp"] as const).find((one) => one === word.toLowerCase());
  if (protocol === undefined) return refuse(`${word} is not tcp, udp or sctp`);
  const inside = parseRange(container, refuse);
  const outside = host === "" ? undefined : parseRange(host, refuse);
  if (outside !== undefined && outside.length !== inside.length)
    refuse(`${outside.length} of the host and ${inside.length} of the pod are not as many`);
  return inside.map((containerPort, index) => ({
    hostPort: outside?.[index] ?? 0,
    containerPort,
    protocol,
    ...(hostIP === "" ? {} : { hostIP: spellAddress(hostIP) }),
    place,
  }));
}

/** One spelling for each address (RFC 5952), so that two spellings are no two addresses. */
export function spellAddress(ip: string): string {
  if (!ip.includes(":") || ip.includes("%")) return ip;
  const spelled = new URL(`http://[${ip}]/`).hostname.slice(1, -1);
  // One of IPv4 (RFC 4291, 2.5.5.2): it is bound, and published, as that.
  const [, high, low] = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(spelled) ?? [];
  if (high === undefined || low === undefined) return spelled;
  return [high, low].flatMap((half) => [Number.parseInt(half, 16) >> 8, Number.parseInt(half, 16) & 255]).join(".");
}

function parseRange(text: string, refuse: (why: string) => never): number[] {
  const [first = "", last = first, ...more] = text.split("-");
  const [from, to] = [Number(first), Number(last)];
  const isPort = (one: number) => Number.isInteger(one) && one >= 1 && one <= 65535;
  if (first === "" || last === "" || more.length > 0 || !isPort(from) || !isPort(to) || to < from)
    return refuse(`${text} is not a port, nor a range of them`);
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/** The option says it of a container's port in place of the manifest. @throws BAD_MANIFEST, BAD_USAGE for one taken twice */
export function mergePorts(ofManifest: readonly SaidPort[], ofOption: readonly SaidPort[]): SaidPort[] {
  const isSaid = (port: SaidPort) =>
    ofOption.some((one) => one.containerPort === port.containerPort && one.protocol === port.protocol);
  const all = [...ofManifest.filter((port) => !isSaid(port)), ...ofOption];
  all.forEach((port, index) => {
    const other = all.slice(0, index).find((one) => port.hostPort !== 0 && overlaps(one, port));
    if (other === undefined) return;
    const code = ofOption.includes(port) ? "BAD_USAGE" : "BAD_MANIFEST";
    throw new PeapodError(code, `${tellPort(port)}: is published twice (${other.place} and ${port.place})`);
  });
  return all;
}

/** One cannot be had beside the other. */
export function overlaps(one: PortMapping, other: PortMapping): boolean {
  if (one.hostPort !== other.hostPort || one.protocol !== other.protocol) return false;
  const [first, second] = [one.hostIP, other.hostIP];
  if (first === undefined || second === undefined || first === second) return true;
  return isIP(first) === isIP(second) && [first, second].some((ip) => ip === "0.0.0.0" || ip === "::");
}

/** @throws NOT_SUPPORTED for one that plugins would publish where nobody is answered */
export function assertPublishable(ports: readonly SaidPort[]): void {
  const port = ports.find(({ hostIP }) => hostIP === "::1");
  if (port === undefined) return;
  throw new PeapodError(
    "NOT_SUPPORTED",
    `${tellPort(port)}: the kernel lets nobody at ::1 reach a pod (${port.place})`,
    {
      hint: "127.0.0.1, for which there is net.ipv4.conf.*.route_localnet, or an IPv6 address of this machine",
    },
  );
}

/** Where a pod marks it as its own. */
export function claimOf({ protocol, hostIP, hostPort }: PortMapping): string {
  return join(PORTS_DIR, `${protocol}-${hostIP ?? "any"}-${hostPort}`);
}

export function parseClaim(name: string): PortMapping | undefined {
  const match = /^(tcp|udp|sctp)-(.+)-(\d+)$/.exec(name);
  if (match === null) return undefined;
  const [, protocol, hostIP, hostPort] = match;
  return {
    protocol: protocol as PortMapping["protocol"],
    hostPort: Number(hostPort),
    containerPort: 0,
    ...(hostIP === "any" || hostIP === undefined ? {} : { hostIP }),
  };
}

/** `port 127.0.0.1:8080/tcp`. */
export function tellPort({ protocol, hostIP, hostPort }: PortMapping): string {
  const ip = hostIP === undefined ? "" : hostIP.includes(":") ? `[${hostIP}]:` : `${hostIP}:`;
  return `port ${ip}${hostPort}/${protocol}`;
}
