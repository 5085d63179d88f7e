// /etc/hosts, /etc/hostname and /etc/resolv.conf: one set for the pod, the host's own for who shares its network.

import { join } from "node:path";
import type { PodPaths } from "../base/paths.ts";
import type { NamespaceKind, PlannedMount, PlannedNamespace, SandboxFile } from "./plan.ts";

export interface SandboxFiles {
  readonly hosts: SandboxFile;
  readonly hostname: SandboxFile;
  readonly resolvConf: SandboxFile;
}

/** `address`: the pod's own, where others reach it. */
export function makeSandboxFiles(
  paths: PodPaths,
  hostname: string,
  resolvConf: string,
  address = "127.0.0.1",
): SandboxFiles {
  return {
    hosts: { path: join(paths.files, "hosts"), text: makeHosts(hostname, address) },
    hostname: { path: join(paths.files, "hostname"), text: `${hostname}\n` },
    resolvConf: { path: join(paths.files, "resolv.conf"), text: resolvConf },
  };
}

/**
 * The host's files are bound read-only: they are not the container's to change. The pod's own follow the root file
 * system, as in containerd, since some programs add a line to /etc/hosts when they start.
 */
export function makeFileMounts(
  files: SandboxFiles,
  namespaces: Readonly<Record<NamespaceKind, PlannedNamespace>>,
  readOnly: boolean,
): PlannedMount[] {
  const bind = (destination: string, file: SandboxFile, ofHost: boolean): PlannedMount => ({
    destination,
    type: "bind",
    source: ofHost ? destination : file.path,
    options: ["rbind", "rprivate", ofHost || readOnly ? "ro" : "rw"],
  });
  const netOfHost = namespaces.net.scope === "host";
  return [
    bind("/etc/hosts", files.hosts, netOfHost),
    bind("/etc/resolv.conf", files.resolvConf, netOfHost),
    // Nobody can say what name a uts namespace given by path will have.
    ...(namespaces.uts.scope === "path"
      ? []
      : [bind("/etc/hostname", files.hostname, namespaces.uts.scope === "host")]),
  ];
}

/**
 * Without another address the host name stands on 127.0.0.1 alone: on ::1 too, programs that listen on IPv4 only would
 * not be found by it.
 */
function makeHosts(hostname: string, address: string): string {
  return [
    "# Made by peapod for the containers of this pod.",
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    `${address}\t${hostname}`,
    "",
  ].join("\n");
}
