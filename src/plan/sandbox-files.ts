// /etc/hosts, /etc/hostname and /etc/resolv.conf: one set for the pod, and for who shares the host's network the host's
// own, or a copy of it with what the manifest adds.

import { basename, join } from "node:path";
import type { PodPaths } from "../base/paths.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { makeHosts, makeHostsOfHost } from "./hosts-file.ts";
import type { NamespaceKind, PlannedMount, PlannedNamespace, Reason, SandboxFile } from "./plan.ts";
import { type PodNames, reasonOfName } from "./pod-names.ts";
import { makeResolvConf, type ResolvConf } from "./resolv-conf.ts";
import { defaultReason, isWritten, reasonFor } from "./where.ts";

/** The host's own files. */
export interface HostFiles {
  readonly resolvConf: string;
  /** What the host's own resolver asks, where the host asks that and it says. */
  readonly upstreamResolvConf?: string;
  /** In place of both, of the network namespace that the pod is put into. */
  readonly netnsResolvConf?: string;
  /** Asked for only where a copy is made of it. */
  readonly hosts?: string;
}

export interface SandboxFilesInput {
  readonly paths: PodPaths;
  readonly manifest: Manifest;
  readonly names: PodNames;
  readonly host: HostFiles;
  readonly hostname: string | undefined;
  /** What the manifest calls the host is a caller's container, whose files are not at the host's paths. */
  readonly isInside: boolean;
  /** The pod's own, or a mark for them: it will be attached to networks. */
  readonly addresses?: readonly string[];
  /** Whose addresses these are, where it is a namespace of somebody else's. */
  readonly netns?: string;
}

export interface FileMount {
  readonly mount: PlannedMount;
  readonly reason: Reason;
}

type Namespaces = Readonly<Record<NamespaceKind, PlannedNamespace>>;

/** Makes a file when the first container needs it; three are always there. */
export class SandboxFiles {
  readonly #input: SandboxFilesInput;
  readonly #resolvConf: ResolvConf;
  readonly #made = new Map<string, SandboxFile>();

  constructor(input: SandboxFilesInput) {
    this.#input = input;
    this.#resolvConf = this.#makeResolvConf(false);
    this.#hosts("hosts", input.names.inHosts, input.addresses);
    this.#file("hostname", () => `${input.names.hostname}\n`);
    this.#file("resolv.conf", () => this.#resolvConf.text, this.#dnsAsked(), this.#resolver());
  }

  get all(): readonly SandboxFile[] {
    return [...this.#made.values()];
  }

  /**
   * The host's files are bound read-only: they are not the container's to change. The pod's own follow the root file
   * system, as in containerd, since some programs add a line to /etc/hosts when they start.
   */
  mountsFor({ net, uts, user }: Namespaces, readOnly: boolean): FileMount[] {
    const { isInside } = this.#input;
    const isHostNetwork = net.scope === "host" && !isInside;
    const isHostUts = uts.scope === "host" && !isInside;
    // As for volumes: see mount-options.ts.
    const kept = user.scope === "host" ? [] : ["nosuid", "nodev"];
    const bind = (destination: string, file: SandboxFile | undefined, reason: Reason): FileMount => ({
      mount: {
        destination,
        type: "bind",
        source: file?.path ?? destination,
        options: ["rbind", "rprivate", ...(file === undefined || readOnly ? [...kept, "ro"] : ["rw"])],
      },
      reason,
    });
    const hosts = isHostNetwork ? this.#hostsOfHost() : this.#hostsFor(net, isHostUts);
    const resolvConf = isHostNetwork ? this.#resolvConfOfHost() : this.#made.get("resolv.conf");
    return [
      bind("/etc/hosts", hosts, this.#reasonOfHosts()),
      bind("/etc/resolv.conf", resolvConf, this.#reasonOfDns(isHostNetwork)),
      // Nobody can say what name a uts namespace given by path will have.
      ...(uts.scope === "path"
        ? []
        : [
            bind(
              "/etc/hostname",
              isHostUts ? undefined : this.#made.get("hostname"),
              isHostUts ? defaultReason("Kubernetes default") : reasonOfName(this.#input.manifest),
            ),
          ]),
    ];
  }

  /** Who has the host's name finds itself by it; who is not at the pod's network is not at the pod's address. */
  #hostsFor(net: PlannedNamespace, isHostUts: boolean): SandboxFile {
    const { names, hostname, addresses = [], netns } = this.#input;
    const isThere = net.scope === "path" ? net.file === netns : net.scope === "pod" && netns === undefined;
    const isApart = !isThere && addresses.length > 0;
    const knownAs = isHostUts && hostname !== undefined ? [...new Set([...names.inHosts, hostname])] : names.inHosts;
    const name = ["hosts", ...(isHostUts ? ["host-name"] : []), ...(isApart ? ["own-network"] : [])].join(".");
    return this.#hosts(name, knownAs, isApart ? [] : addresses);
  }

  #hosts(name: string, names: readonly string[], addresses: readonly string[] = []): SandboxFile {
    const { hostAliases } = this.#input.manifest.spec;
    return this.#file(name, () => makeHosts({ names, addresses, aliases: hostAliases }));
  }

  #hostsOfHost(): SandboxFile | undefined {
    const { manifest, host } = this.#input;
    const { hostAliases } = manifest.spec;
    if (hostAliases.length === 0) return undefined;
    return this.#file("host-hosts", () => makeHostsOfHost(host.hosts ?? "", hostAliases), hostAliases);
  }

  #resolvConfOfHost(): SandboxFile | undefined {
    const asked = this.#dnsAsked();
    if (asked === undefined) return undefined;
    return this.#file("host-resolv.conf", () => this.#makeResolvConf(true).text, asked);
  }

  #makeResolvConf(isHostNetwork: boolean): ResolvConf {
    const { manifest, host } = this.#input;
    if (!isHostNetwork && host.netnsResolvConf !== undefined)
      return makeResolvConf({ dns: manifest.spec.dns, host: host.netnsResolvConf, isHostNetwork: true });
    return makeResolvConf({
      dns: manifest.spec.dns,
      host: isHostNetwork ? host.resolvConf : (host.upstreamResolvConf ?? host.resolvConf),
      isHostNetwork,
    });
  }

  #resolver(): SandboxFile["resolver"] {
    const { manifest, host, addresses, netns } = this.#input;
    if (addresses === undefined || netns !== undefined) return undefined;
    return { dns: manifest.spec.dns, host: host.upstreamResolvConf ?? host.resolvConf };
  }

  /** Undefined where the host's file is all there is to say. */
  #dnsAsked(): unknown {
    const { policy, nameservers, searches, options, instead } = this.#input.manifest.spec.dns;
    const isPlain = policy !== "None" && [nameservers, searches, options].every(({ length }) => length === 0);
    if (isPlain && instead === undefined) return undefined;
    return { isAlone: policy === "None", nameservers, searches, options, instead };
  }

  #file(name: string, makeText: () => string, asked?: unknown, resolver?: SandboxFile["resolver"]): SandboxFile {
    const made = this.#made.get(name);
    if (made !== undefined) return made;
    const path = join(this.#input.paths.files, name);
    const file = {
      ...{ path, text: makeText() },
      ...(asked === undefined ? {} : { asked }),
      ...(resolver === undefined ? {} : { resolver }),
    };
    this.#made.set(name, file);
    return file;
  }

  #reasonOfHosts(): Reason {
    return reasonFor(this.#input.manifest, "/spec/hostAliases", "Kubernetes default");
  }

  #reasonOfDns(isHostNetwork: boolean): Reason {
    const { manifest, host } = this.#input;
    const isSaid = (field: string) => isWritten(manifest.source, field);
    const said = ["/spec/dnsConfig", "/spec/dnsPolicy"].find(isSaid);
    if (said !== undefined) return reasonFor(manifest, said, "Kubernetes default");
    if (isHostNetwork) return defaultReason("Kubernetes default");
    if (this.#resolvConf.isPublic)
      return defaultReason("podman's default (8.8.8.8, 8.8.4.4): the host has no nameserver that the pod could reach");
    if (host.netnsResolvConf !== undefined) return defaultReason("ip-netns(8): /etc/netns has it for this namespace");
    if (host.upstreamResolvConf !== undefined) return defaultReason("whom the host's own resolver asks");
    return defaultReason("Kubernetes default");
  }
}

/** What two plans of one pod must say alike; the host's part of a file may have become another meanwhile. */
export function essenceOfFile({ path, text, asked }: SandboxFile): unknown {
  return /^(host-hosts|(host-)?resolv\.conf)$/.test(basename(path)) ? (asked ?? null) : text;
}
