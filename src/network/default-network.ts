// peapod's own network, for a machine that has no configuration: a bridge with private addresses, masqueraded outside,
// with published ports. Its addresses are remembered in /run, so that a reboot forgets them. Pure.

import type { NetworkList } from "./network.ts";

export const DEFAULT_NETWORK = "peapod";
const BRIDGE = "peapod0";
/** The first that no route of the machine leads into. */
const SUBNETS = ["10.87.0.0/16", "10.187.0.0/16", "172.27.0.0/16", "192.168.187.0/24", "10.213.0.0/16"];
/** Unique local (RFC 4193); nobody outside sees it. */
const SUBNET6 = "fd50:6561:706f:6400::/64";

export interface HostRoute {
  readonly interface: string;
  readonly destination: number;
  readonly mask: number;
}

/** `/proc/net/route`, see proc_pid_net(5): hexadecimal, in the machine's own order of bytes. */
export function parseRoutes(text: string): HostRoute[] {
  return text
    .split("\n")
    .slice(1)
    .map((line) => line.split("\t"))
    .filter((words) => words.length > 7)
    .map((words) => ({
      interface: words[0] ?? "",
      destination: parseSwapped(words[1] ?? ""),
      mask: parseSwapped(words[7] ?? ""),
    }));
}

/** The same as long as the bridge is there, whatever routes come later. */
export function chooseSubnet(routes: readonly HostRoute[]): string {
  const isOurs = (subnet: string) => routes.some((one) => one.interface === BRIDGE && overlaps(one, subnet));
  const isFree = (subnet: string) => !routes.some((one) => one.mask !== 0 && overlaps(one, subnet));
  return SUBNETS.find(isOurs) ?? SUBNETS.find(isFree) ?? (SUBNETS[0] as string);
}

export function makeDefaultNetwork(subnet: string, hasIpv6: boolean): NetworkList {
  return {
    name: DEFAULT_NETWORK,
    cniVersion: "1.0.0",
    plugins: [
      {
        type: "bridge",
        bridge: BRIDGE,
        isGateway: true,
        ipMasq: true,
        // A pod reaches itself by its own published port.
        hairpinMode: true,
        capabilities: { ips: true, mac: true },
        ipam: {
          type: "host-local",
          dataDir: "/run/peapod/addresses",
          ranges: [[{ subnet }], ...(hasIpv6 ? [[{ subnet: SUBNET6 }]] : [])],
          routes: [{ dst: "0.0.0.0/0" }, ...(hasIpv6 ? [{ dst: "::/0" }] : [])],
        },
      },
      { type: "portmap", capabilities: { portMappings: true } },
      { type: "firewall" },
    ],
  };
}

function overlaps({ destination, mask }: HostRoute, subnet: string): boolean {
  const [address = "", bits] = subnet.split("/");
  const own = (0xffffffff << (32 - Number(bits))) >>> 0;
  const common = (own & mask) >>> 0;
  return ((destination ^ parseDotted(address)) & common) === 0;
}

function parseDotted(address: string): number {
  return address.split(".").reduce((sum, part) => ((sum << 8) | Number(part)) >>> 0, 0);
}

function parseSwapped(hex: string): number {
  const bytes = hex.match(/../g) ?? [];
  return bytes.reverse().reduce((sum, byte) => ((sum << 8) | Number.parseInt(byte, 16)) >>> 0, 0);
}
