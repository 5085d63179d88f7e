// Which networks a pod is to have: the caller's words, the manifest's, the environment's, in that order. Pure, and small,
// since every pod asks.

import { isIP } from "node:net";
import { PeapodError } from "../base/errors.ts";

/** One network in podman's words: `blue:ip=10.1.0.5,mac=02:00:00:00:00:01,interface_name=eth7`. */
export interface NetworkWord {
  readonly name: string;
  /** With the length of its network where the user gave it (`10.1.0.5/24`), which the plugin `static` asks for. */
  readonly ips: readonly string[];
  readonly mac?: string;
  readonly interface?: string;
  readonly aliases: readonly string[];
}

export type NetworkChoice = (
  | { readonly mode: "none" }
  | { readonly mode: "host" }
  | { readonly mode: "default" }
  /** Of somebody else's making. */
  | { readonly mode: "path"; readonly file: string }
  | { readonly mode: "networks"; readonly words: readonly NetworkWord[] }
) & {
  /** Who says so, for errors; absent: nobody. */
  readonly by?: string;
};

export interface Said {
  /** `--network`, as often as it was given. */
  readonly option?: readonly string[];
  /** PEAPOD_NETWORK. */
  readonly environment?: string;
  /** Annotation peapod/networks, and where it stands. */
  readonly annotation?: { readonly text: string; readonly place: string };
  readonly hostNetwork: boolean;
}

/** @throws BAD_USAGE, BAD_MANIFEST where words are no networks, or contradict each other */
export function chooseNetworks({ option = [], environment = "", annotation, hostNetwork }: Said): NetworkChoice {
  if (option.length > 0) {
    const chosen = parseChoice(option, "BAD_USAGE", "option --network");
    if (hostNetwork && chosen.mode !== "host")
      throw new PeapodError("BAD_USAGE", "option --network: the manifest says hostNetwork: true", {
        hint: "leave one of them out",
      });
    return chosen;
  }
  if (annotation !== undefined) {
    const by = `annotation peapod/networks (${annotation.place})`;
    const chosen = parseChoice([annotation.text], "BAD_MANIFEST", by);
    if (hostNetwork && chosen.mode !== "host")
      throw new PeapodError("BAD_MANIFEST", `${by}: the manifest says hostNetwork: true`);
    return chosen;
  }
  if (hostNetwork) return { mode: "host" };
  if (environment !== "") return parseChoice([environment], "BAD_USAGE", "environment PEAPOD_NETWORK");
  return { mode: "default" };
}

/** A bundle is run by hand, and nobody attaches it. @throws BAD_USAGE where it was asked to be */
export function forBundle(choice: NetworkChoice): NetworkChoice {
  if (choice.mode !== "networks" && choice.mode !== "default") return choice;
  if (choice.mode === "networks" && choice.by?.startsWith("option"))
    throw new PeapodError("BAD_USAGE", `${choice.by}: a bundle is attached to no network`, {
      hint: "none, host or netns:PATH; attach it yourself, for instance with cnitool",
    });
  return { mode: "none" };
}

function parseChoice(texts: readonly string[], code: "BAD_USAGE" | "BAD_MANIFEST", by: string): NetworkChoice {
  const refuse = (why: string, hint?: string): never => {
    throw new PeapodError(code, `${by}: ${why}`, hint === undefined ? {} : { hint });
  };
  const items = texts.flatMap(splitItems);
  const alone = items.find((item) => item === "none" || item === "host" || /^(netns|ns):/.test(item));
  if (alone !== undefined && items.length > 1) refuse(`${alone} stands alone`);
  if (alone === "none" || alone === "host") return { mode: alone, by };
  if (alone !== undefined) {
    const file = alone.slice(alone.indexOf(":") + 1);
    if (!/^\/[^\0\n]*$/.test(file)) refuse(`${alone}: ${file || "nothing"} is not an absolute path`);
    return { mode: "path", file, by };
  }
  const words = items.map((item) => parseItem(item, refuse));
  const twice = words.find(
    ({ interface: one }, at) => one !== undefined && words.findIndex((other) => other.interface === one) !== at,
  );
  if (twice !== undefined) refuse(`interface ${twice.interface} is given twice`);
  return { mode: "networks", words, by };
}

/** Options of a network have commas between them as networks have; only options have `=`. */
function splitItems(text: string): string[] {
  const items: string[] = [];
  for (const part of text.split(",").map((one) => one.trim())) {
    const isOption = /^[a-z0-9_]+=/.test(part) && items.length > 0;
    if (isOption) items.push(`${items.pop()},${part}`);
    else items.push(part);
  }
  return items;
}

function parseItem(item: string, refuse: (why: string, hint?: string) => never): NetworkWord {
  const at = item.search(/[:,]/);
  const name = at < 0 ? item : item.slice(0, at);
  if (!/^[a-zA-Z0-9][\w.-]*$/.test(name))
    refuse(`${JSON.stringify(name)} is not a network's name`, "none, host, netns:PATH, or names of networks");
  const ips: string[] = [];
  const aliases: string[] = [];
  let mac: string | undefined;
  let ifname: string | undefined;
  for (const option of at < 0 ? [] : item.slice(at + 1).split(",")) {
    const [key = "", value = ""] = [option.slice(0, option.indexOf("=")), option.slice(option.indexOf("=") + 1)];
    if (key === "ip" || key === "ip6") {
      if (!isAddress(value, key)) refuse(`${name}: ${value || "nothing"} is not an address`);
      ips.push(value);
    } else if (key === "mac") {
      if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(value)) refuse(`${name}: ${value || "nothing"} is not a MAC address`);
      mac = value;
    } else if (key === "interface_name") {
      // The kernel's IFNAMSIZ, and dev_valid_name().
      if (!/^[^/\s:\0]{1,15}$/.test(value) || value === "." || value === ".." || value === "lo")
        refuse(`${name}: ${value || "nothing"} is not a name for an interface`);
      ifname = value;
    } else if (key === "alias" && value !== "") aliases.push(value);
    else refuse(`${name}: ${option || "nothing"} is not an option`, "ip=, ip6=, mac=, interface_name= and alias= are");
  }
  return {
    name,
    ips,
    aliases,
    ...(mac === undefined ? {} : { mac }),
    ...(ifname === undefined ? {} : { interface: ifname }),
  };
}

function isAddress(value: string, key: "ip" | "ip6"): boolean {
  const [, address = "", prefix] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(value) ?? [];
  const family = isIP(address);
  if (family === 0 || (key === "ip6" && family !== 6)) return false;
  return Number(prefix ?? 0) <= (family === 6 ? 128 : 32);
}
