// The pod's addresses, and the name servers of its networks, are known only once it is attached to them (or brought to the
// network by an uplink), after the plan:
// until then marks stand in their place, and this fills them in. Pure.

import type { Plan, PlannedContainer, SandboxFile } from "./plan.ts";
import { makeResolvConf, type NetworkDns } from "./resolv-conf.ts";

/** In the environment and arguments of containers: the first address, and all with commas between them. */
export const POD_IP_MARK = "(peapod status.podIP)";
export const POD_IPS_MARK = "(peapod status.podIPs)";
/** In files: a line with it comes once for each address. */
export const EACH_IP_MARK = "(peapod each of status.podIPs)";

/** What a pod without any address is reached by: its containers reach each other there. */
const LOOPBACK = "127.0.0.1";

export interface Attached {
  readonly podIPs?: readonly string[];
  readonly dns?: NetworkDns;
}

/** The same plan with addresses and name servers in it; one without networks as it is. */
export function withAddresses(plan: Plan, state: Attached): Plan {
  if (plan.sandbox.networks === undefined && plan.sandbox.uplink === undefined) return plan;
  const ips = state.podIPs === undefined || state.podIPs.length === 0 ? [LOOPBACK] : state.podIPs;
  // An uplink says nothing of names that the plan did not know.
  const dns = plan.sandbox.networks === undefined ? undefined : state.dns;
  return {
    ...plan,
    sandbox: {
      ...plan.sandbox,
      files: plan.sandbox.files.map((file) => ({ ...file, text: fillFile(file, ips, dns) })),
    },
    containers: plan.containers.map((one) => (needsAddress(one) ? fillContainer(one, ips) : one)),
  };
}

/** Its configuration cannot be written before the pod has its addresses. */
export function needsAddress({ process, subPaths = [] }: Pick<PlannedContainer, "process" | "subPaths">): boolean {
  const texts = [...process.env, ...process.args, ...subPaths.flatMap(({ path }) => path)];
  return texts.some((text) => text.includes(POD_IP_MARK) || text.includes(POD_IPS_MARK));
}

function fillFile({ text, resolver }: SandboxFile, ips: readonly string[], network: NetworkDns | undefined): string {
  if (resolver === undefined || network === undefined) return fillAddresses(text, ips);
  return makeResolvConf({ ...resolver, network, isHostNetwork: false }).text;
}

export function fillAddresses(text: string, ips: readonly string[]): string {
  const lines = text.split("\n").flatMap((line) => {
    return line.includes(EACH_IP_MARK) ? ips.map((ip) => line.replaceAll(EACH_IP_MARK, ip)) : [line];
  });
  return lines
    .join("\n")
    .replaceAll(POD_IP_MARK, ips[0] ?? LOOPBACK)
    .replaceAll(POD_IPS_MARK, ips.join(","));
}

function fillContainer(container: PlannedContainer, ips: readonly string[]): PlannedContainer {
  const fill = (texts: readonly string[]) => texts.map((text) => fillAddresses(text, ips));
  const { process, subPaths } = container;
  return {
    ...container,
    process: { ...process, args: fill(process.args), env: fill(process.env) },
    ...(subPaths === undefined
      ? {}
      : { subPaths: subPaths.map((part) => ({ ...part, path: fillAddresses(part.path, ips) })) }),
  };
}
