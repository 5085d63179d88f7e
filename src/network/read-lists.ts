// Finds configuration lists as CNI runtimes do: the files of one directory in the order of their names.

import { existsSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { PeapodError } from "../base/errors.ts";
import { readNames, readTextIfAny } from "../base/files.ts";
import { chooseSubnet, DEFAULT_NETWORK, makeDefaultNetwork, parseRoutes } from "./default-network.ts";
import type { NetworkList } from "./network.ts";
import { parseNetworkList, parseNetworkName } from "./parse-list.ts";

const DIR = "/etc/cni/net.d";
const PLUGIN_DIRS = "/opt/cni/bin:/usr/lib/cni:/usr/libexec/cni";
const TIMEOUT_S = 60;

export interface CniPlaces {
  /** Of configuration lists. */
  readonly dir: string;
  /** Of plugins. */
  readonly path: readonly string[];
  readonly timeoutMs: number;
}

/** The variables that cnitool has, and one of ours. @throws BAD_USAGE */
export function readPlaces(env: Readonly<Record<string, string | undefined>> = process.env): CniPlaces {
  const seconds = Number(env.PEAPOD_CNI_TIMEOUT || TIMEOUT_S);
  if (!(seconds > 0 && seconds <= 3600))
    throw new PeapodError(
      "BAD_USAGE",
      `environment PEAPOD_CNI_TIMEOUT: ${env.PEAPOD_CNI_TIMEOUT} is not a number of seconds`,
    );
  return {
    dir: env.NETCONFPATH || DIR,
    path: (env.CNI_PATH || PLUGIN_DIRS).split(":").filter((one) => one !== ""),
    timeoutMs: seconds * 1000,
  };
}

/** The one that a pod gets that asks for none: the first, and where there is no file peapod's own. @throws BAD_MANIFEST */
export function readUsualNetwork({ dir }: CniPlaces): NetworkList {
  const [first] = readFiles(dir);
  return first === undefined ? readOwnNetwork() : parseNetworkList(readFileSync(first, "utf8"), first);
}

/** @throws NOT_FOUND, and BAD_MANIFEST where the file that has it has faults */
export function readNetwork(name: string, { dir }: CniPlaces): NetworkList {
  const names: string[] = [];
  const unreadable: string[] = [];
  for (const file of readFiles(dir)) {
    const text = readTextIfAny(file) ?? "";
    const found = parseNetworkName(text);
    if (found === name) return parseNetworkList(text, file);
    if (found === undefined) unreadable.push(file);
    else names.push(found);
  }
  if (name === DEFAULT_NETWORK) return readOwnNetwork();
  const faulty = unreadable.length === 0 ? "" : `; ${unreadable.join(", ")} cannot be read`;
  throw new PeapodError("NOT_FOUND", `network ${name}: no file in ${dir} has it${faulty}`, {
    hint: `there are ${[...new Set([...names, DEFAULT_NETWORK])].join(", ")}; and none, host, netns:PATH`,
  });
}

/** All that there are, each with its list or what is wrong with it. */
export function readAllNetworks({
  dir,
}: CniPlaces): readonly { readonly file: string; readonly list: NetworkList | PeapodError }[] {
  return readFiles(dir).map((file) => {
    try {
      return { file, list: parseNetworkList(readTextIfAny(file) ?? "", file) };
    } catch (error) {
      if (error instanceof PeapodError) return { file, list: error };
      throw error;
    }
  });
}

export function readOwnNetwork(): NetworkList {
  return makeDefaultNetwork(chooseSubnet(parseRoutes(readTextIfAny("/proc/net/route") ?? "")), mayForwardIpv6());
}

/**
 * The bridge plugin has this machine forward IPv6, and one that forwards takes no more routes from routers (accept_ra in
 * the kernel's ip-sysctl): one that lives by them must be left alone.
 */
function mayForwardIpv6(): boolean {
  if (!existsSync("/proc/net/if_inet6")) return false;
  const read = (name: string) => readTextIfAny(`/proc/sys/net/ipv6/conf/all/${name}`)?.trim();
  if (read("disable_ipv6") !== "0") return false;
  return read("forwarding") === "1" || !hasRouterRoute(readTextIfAny("/proc/net/ipv6_route") ?? "");
}

/** RTF_ADDRCONF: learned from a router, see the kernel's ipv6_route.h. */
function hasRouterRoute(text: string): boolean {
  return text.split("\n").some((line) => {
    const words = line.trim().split(/\s+/);
    return words[1] === "00" && (Number.parseInt(words[8] ?? "0", 16) & 0x0004_0000) !== 0;
  });
}

function readFiles(dir: string): string[] {
  return readNames(dir)
    .filter((name) => [".conflist", ".conf", ".json"].includes(extname(name)))
    .sort()
    .map((name) => join(dir, name));
}
