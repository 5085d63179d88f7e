// What a pod is called and whom it asks for names, out of a checked document; defaults filled in.

import type { PodDocument } from "../generated/pod.ts";
import type { HostAlias, PodDns, PodSpec } from "./manifest.ts";

type WrittenSpec = PodDocument["spec"];

export type Names = Pick<
  PodSpec,
  "hostname" | "hostnameOverride" | "subdomain" | "setHostnameAsFQDN" | "hostAliases" | "dns"
>;

export function makeNames(spec: WrittenSpec, podName: string): Names {
  const { hostnameOverride, subdomain } = spec;
  return {
    hostname: spec.hostname ?? podName,
    ...(hostnameOverride === undefined ? {} : { hostnameOverride }),
    ...(subdomain === undefined ? {} : { subdomain }),
    setHostnameAsFQDN: spec.setHostnameAsFQDN ?? false,
    hostAliases: (spec.hostAliases ?? []).map(({ ip, hostnames }): HostAlias => ({ ip, hostnames: hostnames ?? [] })),
    dns: makeDns(spec),
  };
}

function makeDns({ dnsPolicy, dnsConfig }: WrittenSpec): PodDns {
  return {
    policy: dnsPolicy ?? "ClusterFirst",
    nameservers: dnsConfig?.nameservers ?? [],
    searches: dnsConfig?.searches ?? [],
    options: (dnsConfig?.options ?? []).map(({ name, value }) => (value ? `${name}:${value}` : name)),
  };
}
