// What there is to know of a network namespace of somebody else's making: its addresses at this moment, and the resolv.conf
// that ip-netns(8) has for it. Whatever cannot be read is not there.

import { basename, dirname } from "node:path";
import { readTextIfAny } from "../base/files.ts";
import { swiftCall } from "../base/swift-call.ts";

const TOOL_MS = 10_000;

export interface NetnsAddress {
  readonly address: string;
  readonly prefix: number;
}

export interface Netns {
  /** One of each family at most. */
  readonly podIPs: readonly string[];
  readonly resolvConf?: string;
}

export async function readNetns(file: string): Promise<Netns> {
  const addresses = await readNetnsAddresses(file);
  const resolvConf = readResolvConf(file);
  return {
    podIPs: addresses.map(({ address }) => address),
    ...(resolvConf === undefined ? {} : { resolvConf }),
  };
}

export async function readNetnsAddresses(file: string): Promise<readonly NetnsAddress[]> {
  const args = [`--net=${file}`, "ip", "-j", "address"];
  const { exitCode, stdout } = await swiftCall({ program: "nsenter", args, env: process.env, timeoutMs: TOOL_MS });
  return exitCode === 0 ? parseAddresses(stdout) : [];
}

/** `ip -j address`, see ip-address(8): of the first interface but the loopback that has any which others reach. */
export function parseAddresses(text: string): readonly NetnsAddress[] {
  for (const { ifname, addr_info: found } of listOf(parseJson(text))) {
    if (ifname === "lo") continue;
    const usable = listOf(found).filter(({ scope, local }) => scope === "global" && typeof local === "string");
    const addresses = ["inet", "inet6"].flatMap((family): NetnsAddress[] => {
      const one = usable.find((address) => address.family === family);
      return one === undefined ? [] : [{ address: String(one.local), prefix: Number(one.prefixlen ?? 0) }];
    });
    if (addresses.length > 0) return addresses;
  }
  return [];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function listOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "object" && one !== null) : [];
}

/** Those that have a name have files of their own, which take the place of those in /etc. */
function readResolvConf(file: string): string | undefined {
  const isNamed = ["/run/netns", "/var/run/netns"].includes(dirname(file));
  return isNamed ? readTextIfAny(`/etc/netns/${basename(file)}/resolv.conf`) : undefined;
}
