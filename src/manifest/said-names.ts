// Names and name servers that a caller says beside a manifest: --hostname, --add-host, --dns and the like. They stand over
// what the manifest says. Pure.

import { PeapodError } from "../base/errors.ts";
import type { PodDocument } from "../generated/pod.ts";
import type { DnsWords, HostAlias, Manifest, PodDns } from "./manifest.ts";

type WrittenSpec = PodDocument["spec"];

export interface SaidNames {
  /** The whole name. */
  readonly hostname?: string;
  /** First of all lines, so that they win. */
  readonly hosts?: readonly HostAlias[];
  /** Each in place of all that there would be. */
  readonly dns?: Partial<DnsWords>;
}

/** Under which option each is said, for those who ask where it comes from. */
const OPTIONS = { nameservers: "--dns", searches: "--dns-search", options: "--dns-option" } as const;

/** @throws BAD_USAGE for a host name where the pod has the host's */
export function withSaidNames(manifest: Manifest, said: SaidNames): Manifest {
  const { spec, source } = manifest;
  if (said.hostname !== undefined && spec.hostNetwork) {
    const place = `${source.file}:${source.lines["/spec/hostNetwork"]} spec.hostNetwork`;
    throw new PeapodError("BAD_USAGE", `option --hostname: the pod has the host's network, and its name (${place})`);
  }
  const { hosts = [] } = said;
  const options: Record<string, string> = {};
  if (said.hostname !== undefined) options["/spec/hostnameOverride"] = "--hostname";
  if (hosts.length > 0) options["/spec/hostAliases"] = "--add-host";
  if (said.dns !== undefined) options["/spec/dnsConfig"] = optionsOf(said.dns).join(", ");
  const dns: PodDns = said.dns === undefined ? spec.dns : { ...spec.dns, instead: said.dns };
  return {
    ...manifest,
    spec: {
      ...spec,
      ...(said.hostname === undefined ? {} : { hostnameOverride: said.hostname }),
      hostAliases: [...hosts, ...spec.hostAliases],
      dns,
    },
    source: { ...source, options: { ...source.options, ...options } },
  };
}

function optionsOf(dns: Partial<DnsWords>): string[] {
  return (["nameservers", "searches", "options"] as const)
    .filter((kind) => dns[kind] !== undefined)
    .map((kind) => OPTIONS[kind]);
}

/**
 * The same in a manifest's own words. `resolved` is what the pod's resolv.conf says with it: no field stands in place of
 * the host's servers alone.
 */
export function writeSaidNames(spec: WrittenSpec, said: SaidNames, resolved: DnsWords | undefined): WrittenSpec {
  const { setHostnameAsFQDN, ...rest } = spec;
  const hostAliases = [...(said.hosts ?? []), ...(spec.hostAliases ?? [])].map(({ ip, hostnames = [] }) => ({
    ip,
    hostnames: [...hostnames],
  }));
  const named = said.hostname === undefined ? spec : { ...rest, hostnameOverride: said.hostname };
  return {
    ...named,
    ...(said.hosts === undefined ? {} : { hostAliases }),
    ...(said.dns === undefined || resolved === undefined ? {} : writeDns(resolved)),
  } as WrittenSpec;
}

function writeDns({ nameservers, searches, options }: DnsWords): Pick<WrittenSpec, "dnsPolicy" | "dnsConfig"> {
  return {
    dnsPolicy: "None",
    dnsConfig: {
      // Where none is named resolvers ask this one, see resolv.conf(5).
      nameservers: nameservers.length === 0 ? ["127.0.0.1"] : [...nameservers],
      ...(searches.length === 0 ? {} : { searches: [...searches] }),
      ...(options.length === 0 ? {} : { options: options.map(writeOption) }),
    },
  };
}

function writeOption(option: string): { name: string; value?: string } {
  const at = option.indexOf(":");
  return at < 0 ? { name: option } : { name: option.slice(0, at), value: option.slice(at + 1) };
}
