// The text of /etc/hosts, laid out as Kubernetes does it. Pure.

import type { HostAlias } from "../manifest/manifest.ts";

export interface HostsInput {
  /** The whole name first; all of them stand for each address. */
  readonly names: readonly string[];
  /** The pod's, where it has a network that others reach; absent or empty: it is found at the loopback. */
  readonly addresses?: readonly string[];
  readonly aliases: readonly HostAlias[];
}

const LOOPBACK = [
  "127.0.0.1\tlocalhost",
  "::1\tlocalhost ip6-localhost ip6-loopback",
  "fe00::0\tip6-localnet",
  "fe00::0\tip6-mcastprefix",
  "fe00::1\tip6-allnodes",
  "fe00::2\tip6-allrouters",
];

export function makeHosts({ names, addresses = [], aliases }: HostsInput): string {
  // On 127.0.0.1 alone: on ::1 too, programs that listen on IPv4 only would not be found by the pod's name.
  const own = addresses.length === 0 ? ["127.0.0.1"] : addresses;
  return asText([
    "# Made by peapod for the containers of this pod.",
    ...LOOPBACK,
    ...own.map((address) => `${address}\t${names.join("\t")}`),
    ...linesOf(aliases),
  ]);
}

/** The host's own with more names, for containers that share its network. */
export function makeHostsOfHost(text: string, aliases: readonly HostAlias[]): string {
  const own = text.replace(/\n+$/, "");
  return asText([
    "# Made by peapod: the hosts file of the host, and what the pod adds to it.",
    ...(own === "" ? [] : [own]),
    ...linesOf(aliases),
  ]);
}

function linesOf(aliases: readonly HostAlias[]): string[] {
  const lines = aliases
    .filter(({ hostnames }) => hostnames.length > 0)
    .map(({ ip, hostnames }) => [ip, ...hostnames].join("\t"));
  return lines.length === 0 ? [] : ["", "# From hostAliases and --add-host.", ...lines];
}

function asText(lines: readonly string[]): string {
  return `${lines.join("\n")}\n`;
}
