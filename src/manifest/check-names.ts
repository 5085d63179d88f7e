// What a schema cannot say of a pod's names: addresses, and which fields go together. Kubernetes' own rules. Takes any
// value, as check-pod.ts does.

import { isAddress, MAX_SEARCH_LENGTH } from "../base/name-rules.ts";
import type { Report } from "./check-pod.ts";
import { fields, list, quote, textOf } from "./loose-fields.ts";

export function checkNames(pod: unknown, report: Report): void {
  const spec = fields(fields(pod).spec);
  if (spec.hostnameOverride !== undefined) {
    const cannot = "cannot be true together with hostnameOverride, which is the whole name";
    if (spec.setHostnameAsFQDN === true) report("/spec/setHostnameAsFQDN", cannot);
    if (spec.hostNetwork === true)
      report("/spec/hostnameOverride", "cannot be set with hostNetwork, with which the host's name is the pod's");
  }
  list(spec.hostAliases).forEach((alias, index) => {
    checkAddress(fields(alias).ip, `/spec/hostAliases/${index}/ip`, report);
  });
  checkDns(spec, report);
}

function checkDns(spec: ReturnType<typeof fields>, report: Report): void {
  const dnsConfig = fields(spec.dnsConfig);
  const nameservers = list(dnsConfig.nameservers);
  if (spec.dnsPolicy === "None" && nameservers.length === 0)
    report("/spec/dnsPolicy", "None needs a nameserver in dnsConfig.nameservers, for there is no other");
  nameservers.forEach((address, index) => {
    checkAddress(address, `/spec/dnsConfig/nameservers/${index}`, report);
  });
  const length = list(dnsConfig.searches).flatMap(textOf).join(" ").length;
  if (length > MAX_SEARCH_LENGTH)
    report(
      "/spec/dnsConfig/searches",
      `must not have more than ${MAX_SEARCH_LENGTH} characters together, not ${length}`,
    );
}

function checkAddress(address: unknown, pointer: string, report: Report): void {
  if (typeof address !== "string" || isAddress(address)) return;
  report(pointer, `${quote(address)} is not an address, such as 192.0.2.1 or 2001:db8::1`);
}
