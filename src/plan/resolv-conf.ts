// The text of /etc/resolv.conf: the host's or a network's servers, with what the manifest and the caller say. Kubernetes'
// rules for how they come together, podman's for servers that a pod's own network cannot reach. Pure.

import { isIP } from "node:net";
import { MAX_DOMAIN, MAX_NAMESERVERS, MAX_SEARCH_LENGTH, MAX_SEARCHES } from "../base/name-rules.ts";
import type { DnsWords, PodDns } from "../manifest/manifest.ts";

/** Where resolvers of the host's listen on its loopback, and where each writes down whom it asks itself. */
const STUBS = [
  // systemd-resolved.service(8)
  { addresses: ["127.0.0.53", "127.0.0.54"], file: "/run/systemd/resolve/resolv.conf" },
  // dnsmasq of NetworkManager.conf(5), `dns=dnsmasq`
  { addresses: ["127.0.0.1"], file: "/run/NetworkManager/no-stub-resolv.conf" },
];
/** Google's, as podman and Docker have it. */
export const PUBLIC_NAMESERVERS = ["8.8.8.8", "8.8.4.4"];

/** `dns` of a CNI result. */
export interface NetworkDns {
  readonly nameservers?: readonly string[];
  readonly domain?: string;
  readonly search?: readonly string[];
  readonly options?: readonly string[];
}

export interface ResolvConfInput {
  readonly dns: PodDns;
  /** The host's resolv.conf. */
  readonly host: string;
  /** What the networks of the pod say. */
  readonly network?: NetworkDns;
  /** The host's loopback is the container's. */
  readonly isHostNetwork: boolean;
}

export interface ResolvConf {
  readonly text: string;
  /** No server of anybody's was left. */
  readonly isPublic: boolean;
}

export function makeResolvConf({ dns, host, network = {}, isHostNetwork }: ResolvConfInput): ResolvConf {
  const { instead = {} } = dns;
  const given = dns.policy === "None" ? NOTHING : makeBase(parseResolvConf(host), network, isHostNetwork);
  const nameservers = instead.nameservers ?? unique([...given.nameservers, ...dns.nameservers]);
  const isPublic = nameservers.length === 0 && !isHostNetwork;
  return {
    text: formatResolvConf({
      nameservers: isPublic ? PUBLIC_NAMESERVERS : nameservers.slice(0, MAX_NAMESERVERS),
      searches: fitSearches(instead.searches ?? [...given.searches, ...dns.searches]),
      options: instead.options ?? mergeOptions(given.options, dns.options),
    }),
    isPublic,
  };
}

const NOTHING: DnsWords = { nameservers: [], searches: [], options: [] };

/** A network's servers know its names, and stand in place of the host's; domains and options of both count. */
function makeBase(host: DnsWords, network: NetworkDns, isHostNetwork: boolean): DnsWords {
  const { nameservers = [], domain, search = [], options = [] } = network;
  const own = search.length > 0 ? search : domain === undefined || domain === "" ? [] : [domain];
  const fromHost = isHostNetwork ? host.nameservers : host.nameservers.filter(isReachable);
  return {
    nameservers: nameservers.length > 0 ? nameservers : fromHost,
    searches: [...own, ...host.searches],
    options: mergeOptions(host.options, options),
  };
}

/** resolv.conf(5): of `search` and `domain` the last line counts, options add up. What is no address is passed over. */
export function parseResolvConf(text: string): DnsWords {
  const nameservers: string[] = [];
  let searches: string[] = [];
  let options: readonly string[] = [];
  for (const line of text.split("\n")) {
    const [word, ...rest] = line.trim().split(/\s+/);
    const comment = rest.findIndex((one) => /^[#;]/.test(one));
    const values = comment < 0 ? rest : rest.slice(0, comment);
    if (word === "nameserver") nameservers.push(...values.slice(0, 1).filter((address) => isIP(address) !== 0));
    if (word === "search") searches = values;
    if (word === "domain") searches = values.slice(0, 1);
    if (word === "options") options = mergeOptions(options, values);
  }
  return { nameservers: unique(nameservers), searches, options };
}

/** The file with the servers that are really asked, where all that this text names is a resolver of the host's. */
export function upstreamFileOf(text: string): string | undefined {
  const { nameservers } = parseResolvConf(text);
  if (nameservers.length === 0) return undefined;
  return STUBS.find(({ addresses }) => nameservers.every((one) => addresses.includes(one)))?.file;
}

/** Not the loopback, and not by an interface (`%eth0`): those are the host's. */
function isReachable(address: string): boolean {
  if (address.includes("%")) return false;
  if (isIP(address) === 4) return !/^(127|0)\./.test(address);
  const plain = new URL(`http://[${address}]`).hostname;
  return !/^\[::1?\]$|^\[::ffff:7f[0-9a-f]{2}:/.test(plain);
}

function formatResolvConf({ nameservers, searches, options }: DnsWords): string {
  return [
    ...(searches.length === 0 ? [] : [`search ${searches.join(" ")}\n`]),
    ...nameservers.map((address) => `nameserver ${address}\n`),
    ...(options.length === 0 ? [] : [`options ${options.join(" ")}\n`]),
  ].join("");
}

/** A later one of the same name takes the place of an earlier one. */
function mergeOptions(first: readonly string[], then: readonly string[]): readonly string[] {
  const merged = new Map<string, string>();
  for (const option of [...first, ...then]) merged.set(option.replace(/:.*$/, ""), option);
  return [...merged.values()];
}

/** With and without a dot at its end a domain is the same. */
function fitSearches(searches: readonly string[]): readonly string[] {
  const fitting: string[] = [];
  let length = -1;
  for (const domain of unique(searches.map((one) => one.replace(/(?<=.)\.$/, "")))) {
    // Longer ones have crashed resolvers.
    if (domain.length > MAX_DOMAIN) continue;
    length += domain.length + 1;
    if (fitting.length === MAX_SEARCHES || length > MAX_SEARCH_LENGTH) break;
    fitting.push(domain);
  }
  return fitting;
}

function unique(words: readonly string[]): string[] {
  return [...new Set(words)];
}
