// What a pod is called: by the kernel, and in its hosts file. Kubernetes' rules. Pure.

import { PeapodError } from "../base/errors.ts";
import { MAX_HOSTNAME } from "../base/name-rules.ts";
import type { Manifest } from "../manifest/manifest.ts";
import type { Reason } from "./plan.ts";
import { isWritten, makePlace, manifestReason, reasonFor } from "./where.ts";

/** What kubeadm calls a cluster unless told; here there is none, and names are as in most. */
const CLUSTER_DOMAIN = "cluster.local";

export interface PodNames {
  /** What hostname(1) says. */
  readonly hostname: string;
  /** What the pod's address is called in /etc/hosts: the whole name first. */
  readonly inHosts: readonly string[];
}

/** @throws BAD_MANIFEST where the whole name is to be the host name and is too long for the kernel */
export function makePodNames({ spec, metadata, source }: Manifest): PodNames {
  const { hostnameOverride, hostname, subdomain, setHostnameAsFQDN } = spec;
  if (hostnameOverride !== undefined) return { hostname: hostnameOverride, inHosts: [hostnameOverride] };
  if (subdomain === undefined) return { hostname, inHosts: [hostname] };
  const whole = `${hostname}.${subdomain}.${metadata.namespace}.svc.${CLUSTER_DOMAIN}`;
  if (setHostnameAsFQDN && whole.length > MAX_HOSTNAME) {
    const place = makePlace(source, "/spec/setHostnameAsFQDN");
    throw new PeapodError(
      "BAD_MANIFEST",
      `pod ${metadata.name}: ${whole} has ${whole.length} characters, and a host name at most ${MAX_HOSTNAME} (${place})`,
      { hint: "shorten hostname, subdomain or namespace, or leave setHostnameAsFQDN out" },
    );
  }
  return { hostname: setHostnameAsFQDN ? whole : hostname, inHosts: [whole, hostname] };
}

/** Where the kernel's name comes from. */
export function reasonOfName(manifest: Manifest): Reason {
  const { spec, source } = manifest;
  if (spec.hostnameOverride !== undefined)
    return reasonFor(manifest, "/spec/hostnameOverride", "the caller's container");
  const isWhole = spec.subdomain !== undefined && spec.setHostnameAsFQDN;
  if (isWhole && isWritten(source, "/spec/setHostnameAsFQDN"))
    return manifestReason(manifest, "/spec/setHostnameAsFQDN");
  return reasonFor(manifest, "/spec/hostname", "Kubernetes default (the pod's name)");
}
