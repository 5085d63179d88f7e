// The verbs for what pods are attached to: network list, inspect, check; port.

import { type ArgumentSpec, formatOption, POD, type Verb } from "../grammar.ts";

const NAMES: ArgumentSpec = { name: "NAME", kind: "text", required: true, many: true };

export const NETWORKS: readonly Verb[] = [
  {
    name: "network list",
    aliases: ["network ls"],
    summary: "list the networks that pods can be attached to",
    about:
      "The configuration lists of $NETCONFPATH, /etc/cni/net.d unless told, in the order of their names, and peapod's own. " +
      "A pod that asks for none gets the first. Where a list speaks CNI 1.1 its plugins are asked how they are.",
    args: [],
    options: [
      { long: "quiet", short: "q", kind: "flag", summary: "names only" },
      formatOption(["table", "json"], "table"),
    ],
    takesCommand: false,
    examples: [
      { line: "peapod network ls", tells: "with the pods that are attached" },
      { line: "peapod network ls -q", tells: "their names, one a line" },
    ],
  },
  {
    name: "network inspect",
    aliases: [],
    summary: "print the configuration of networks",
    about: "A JSON array of configuration lists, as their plugins are asked with them.",
    args: [NAMES],
    options: [],
    takesCommand: false,
    examples: [
      { line: "peapod network inspect peapod", tells: "peapod's own: a file of it can be changed in /etc/cni/net.d" },
      { line: "peapod network inspect blue green", tells: "two" },
    ],
  },
  {
    name: "network check",
    aliases: [],
    summary: "ask whether a pod still has what its networks gave it",
    about: "The plugins look at interfaces, addresses and rules (CNI's CHECK). Status 1 says that one complained.",
    args: [POD],
    options: [],
    takesCommand: false,
    examples: [
      { line: "peapod network check web", tells: "silent where all is well" },
      { line: "peapod network check --root /run/other web", tells: "of a pod elsewhere" },
    ],
  },
  {
    name: "port",
    aliases: [],
    summary: "list the ports of the host that lead to a pod",
    about: "One a line, as podman prints them. With a port of the pod, only the addresses of the host that lead to it.",
    args: [POD, { name: "PORT", kind: "text", required: false, many: false }],
    options: [formatOption(["table", "json"], "table")],
    takesCommand: false,
    examples: [
      { line: "peapod port web", tells: "80/tcp -> 0.0.0.0:8080" },
      { line: "peapod port web 53/udp", tells: "0.0.0.0:5353" },
    ],
  },
];
