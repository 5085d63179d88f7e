// What there is to know of a network namespace of somebody else's making: its addresses at this moment, and the resolv.conf
// that ip-netns(8) has for it. Whatever cannot be read is not there.

import { basename, dirname } from "node:path";
import { readTextIfAny } from "../base/files.ts";
import { swiftCall } from "../base/swift-call.ts";

const TOOL_MS = 10_000;

export interface Netns {
  /** One of each family at most. */
  readonly podIPs: readonly string[];
  readonly resolvConf?: string;
}

export async function readNetns(file: string): Promise<Netns> {
  const args = [`--net=${file}`, "ip", "-j", "address"];
  const { exitCode, stdout } = await swiftCall({ program: "nsenter", args, env: process.env, timeoutMs: TOOL_MS });
  const resolvConf = readResolvConf(file);
  return {
    podIPs: exitCode === 0 ? parseAddresses(stdout) : [],
    ...(resolvConf === undefined ? {} : { resolvConf }),
  };
}

/** `ip -j address`, see ip-address(8): of the first interface but the loopback that has any which others reach. */
export function parseAddresses(text: string): readonly string[] {
  for (const { ifname, addr_info: found } of listOf(parseJson(text))) {
    if (ifname === "lo") continue;
    const usable = listOf(found).filter(({ scope, local }) => scope === "global" && typeof local === "string");
    const one = (family: string) => usable.find((address) => address.family === family)?.local as string | undefined;
    const addresses = [one("inet"), one("inet6")].filter((address) => address !== undefined);
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
