// The host's own hosts and resolv.conf, as far as pods' files are made of them. A host without one has an empty one.

import { readFileSync } from "node:fs";
import { upstreamFileOf } from "../../plan/resolv-conf.ts";
import type { HostFiles } from "../../plan/sandbox-files.ts";

export function readHostFiles(): HostFiles {
  const resolvConf = readText("/etc/resolv.conf") ?? "";
  // Where a pod has a network of its own, nobody listens on its loopback.
  const file = upstreamFileOf(resolvConf);
  const upstream = file === undefined ? undefined : readText(file);
  return {
    resolvConf,
    ...(upstream === undefined ? {} : { upstreamResolvConf: upstream }),
    get hosts() {
      return readText("/etc/hosts") ?? "";
    },
  };
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
