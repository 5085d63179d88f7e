// One verb on one network as the runs of its plugins: their environment and what stands on their stdin (CNI
// specification 1.1.0, sections 2 and 4). Pure.

import type { NetworkList, PlannedNetwork, PluginCall, PluginConfig, PluginResult, Verb } from "./network.ts";

/** ADD, CHECK or DEL of plugin `index`. `prevResult`: what the one before it answered, or all of them to ADD. */
export function makeCall(
  network: PlannedNetwork,
  verb: "ADD" | "CHECK" | "DEL",
  index: number,
  prevResult: PluginResult | undefined,
): PluginCall {
  const { list, args, capabilities } = network;
  const plugin = list.plugins[index] as PluginConfig;
  return {
    type: plugin.type,
    env: {
      CNI_COMMAND: verb,
      CNI_CONTAINERID: network.containerId,
      CNI_NETNS: network.netns,
      CNI_IFNAME: network.interface,
      CNI_PATH: network.path.join(":"),
      CNI_ARGS: Object.entries(args)
        .map(([name, value]) => `${name}=${value}`)
        .join(";"),
    },
    config: makeConfig(list, plugin, { ...pickCapabilities(plugin, capabilities), prevResult }),
  };
}

/** Of the list as a whole: STATUS, and GC with the attachments that live. */
export function makeListCall(
  list: NetworkList,
  index: number,
  verb: "GC" | "STATUS" | "VERSION",
  path: readonly string[],
  attachments?: readonly { readonly containerId: string; readonly interface: string }[],
): PluginCall {
  const plugin = list.plugins[index] as PluginConfig;
  const valid = attachments?.map((one) => ({ containerID: one.containerId, ifname: one.interface }));
  return {
    type: plugin.type,
    env: {
      CNI_COMMAND: verb,
      CNI_PATH: path.join(":"),
      CNI_CONTAINERID: "",
      CNI_NETNS: "",
      CNI_IFNAME: "",
      CNI_ARGS: "",
    },
    config: makeConfig(list, plugin, valid === undefined ? {} : { "cni.dev/valid-attachments": valid }),
  };
}

/** In which order the plugins of a list are run. */
export function makeOrder(list: NetworkList, verb: Verb): readonly number[] {
  const order = list.plugins.map((_, index) => index);
  return verb === "DEL" ? order.reverse() : order;
}

/** True where some plugin of the list takes it. */
export function declares(list: NetworkList, capability: string): boolean {
  return list.plugins.some((plugin) => plugin.capabilities?.[capability] === true);
}

function makeConfig(list: NetworkList, plugin: PluginConfig, more: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ ...plugin, cniVersion: list.cniVersion, name: list.name, ...more });
}

function pickCapabilities(plugin: PluginConfig, all: Readonly<Record<string, unknown>>) {
  const picked = Object.entries(all).filter(([name]) => plugin.capabilities?.[name] === true);
  return picked.length === 0 ? {} : { runtimeConfig: Object.fromEntries(picked) };
}
