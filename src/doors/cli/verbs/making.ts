// The verbs that make something out of a manifest: spec, bundle, create, run; and again out of a pod: clone, generate.

import { CONTAINER, FILE, formatOption, type OptionSpec, OUT_FILE, POD, type Verb } from "../grammar.ts";
import { DETACH_KEYS } from "./attaching.ts";

const NAME: OptionSpec = {
  long: "name",
  kind: "text",
  value: "NAME",
  summary: "name of the pod, instead of the manifest's",
};
const DRY_RUN: OptionSpec = { long: "dry-run", kind: "flag", summary: "print the plan as JSON and touch nothing" };
const REPLICAS: OptionSpec = {
  long: "replicas",
  kind: "number",
  value: "N",
  summary: "N pods of the same manifest, NAME-0 to NAME-(N-1), side by side: all of them or none",
};
export const CONFIGMAP: OptionSpec = {
  long: "configmap",
  kind: "list",
  value: "FILE",
  summary: "ConfigMaps and Secrets, beside those in the manifest's own file",
};
const ENV: readonly OptionSpec[] = [
  {
    long: "env",
    short: "e",
    kind: "list",
    value: "NAME=VALUE",
    summary: "a variable of every container, instead of the manifest's; NAME alone takes the caller's value",
  },
  {
    long: "env-file",
    kind: "list",
    value: "FILE",
    summary: "the same from a file, one NAME=VALUE a line; --env wins",
  },
];
const NETWORK: OptionSpec = {
  long: "network",
  kind: "list",
  value: "NETWORK",
  summary:
    "what the pod is attached to, instead of what the manifest says: none, host, netns:PATH or a network's name, " +
    "with options after a colon (ip=, mac=, interface_name=, alias=); $PEAPOD_NETWORK holds where neither says anything",
};
const PUBLISH: OptionSpec = {
  long: "publish",
  short: "p",
  kind: "list",
  value: "PORT",
  summary: "[[IP:][HOSTPORT]:]PORT[/tcp|udp|sctp]: a port of the host that leads to one of the pod; ranges as 80-90",
};
const NAMES: readonly OptionSpec[] = [
  {
    long: "hostname",
    kind: "text",
    value: "NAME",
    summary: "the whole host name that the containers see, instead of the manifest's",
  },
  {
    long: "add-host",
    kind: "list",
    value: "HOST:IP",
    summary: "a line of /etc/hosts, before the manifest's; several names with ; between them",
  },
  {
    long: "dns",
    kind: "list",
    value: "IP",
    summary: "a name server, instead of the host's and the manifest's; three at most",
  },
  {
    long: "dns-search",
    kind: "list",
    value: "DOMAIN",
    summary: "a domain to look short names up in, instead of the host's and the manifest's; . for none",
  },
  {
    long: "dns-option",
    kind: "list",
    value: "OPTION",
    summary: "an option of resolv.conf(5), instead of the host's and the manifest's",
  },
];
const FROM_STDIN = "FILE is a Kubernetes v1 Pod in YAML or JSON; - reads it from standard input.";

export const MAKING: readonly Verb[] = [
  {
    name: "spec",
    aliases: [],
    summary: "print a manifest to begin with",
    about: "Prints a small Pod manifest with comments. Point its image at a root file system directory and run it.",
    args: [],
    options: [OUT_FILE],
    takesCommand: false,
    examples: [
      { line: "peapod spec", tells: "look at it" },
      { line: "peapod spec -o pod.yaml", tells: "keep it in a file" },
    ],
  },
  {
    name: "bundle",
    aliases: [],
    summary: "write OCI bundles for a manifest",
    about:
      `Writes one OCI bundle (config.json and rootfs) for each container, without running anything. ${FROM_STDIN} ` +
      "With --explain it tells which line of the manifest, or which default, each decision comes from; " +
      "then -o may be left out.",
    args: [FILE],
    options: [
      { long: "out", short: "o", kind: "text", value: "DIR", summary: "directory for the bundles" },
      { long: "explain", kind: "flag", summary: "tell where each part comes from" },
      NAME,
      { ...NETWORK, summary: "none, host or netns:PATH: nobody gives a bundle addresses; none unless told" },
      CONFIGMAP,
      ...ENV,
      ...NAMES,
      formatOption(["table", "json"], "table", "how to print what was written or explained"),
    ],
    takesCommand: false,
    examples: [
      { line: "peapod bundle pod.yaml -o bundles", tells: "bundles/NAME for each container" },
      { line: "peapod bundle pod.yaml --explain", tells: "why is it so?" },
      { line: "peapod bundle - -o bundles < pod.json", tells: "from standard input" },
    ],
  },
  {
    name: "create",
    aliases: [],
    summary: "make a pod without starting its containers",
    about: `Makes namespaces, cgroups, volumes and containers, and prints the pod's name. ${FROM_STDIN}`,
    args: [FILE],
    options: [NAME, REPLICAS, NETWORK, PUBLISH, CONFIGMAP, ...ENV, ...NAMES, DRY_RUN],
    takesCommand: false,
    examples: [
      { line: "peapod create pod.yaml", tells: "then: peapod start NAME" },
      { line: "peapod create --name web2 pod.yaml", tells: "the same manifest under another name" },
      { line: "peapod create --dry-run pod.yaml", tells: "what would be done" },
    ],
  },
  {
    name: "run",
    aliases: [],
    summary: "make a pod and start it",
    about:
      "In the foreground it shows what the containers write, each line with its container's name where there are " +
      "several; what they write to stderr goes to stderr. Ctrl-C (or SIGTERM, SIGHUP) stops the pod with its grace " +
      "period, a second one kills it. When all containers have ended the pod is deleted, and its result is the exit " +
      `status: 0, or the first other one in the manifest's order. With -d the pod stays and its name is printed. With -i, -t or both it is as with peapod attach: one container's ` +
      `streams are the caller's, Ctrl-C goes to its terminal, and leaving it by the detach keys leaves the pod running; where it has no ` +
      "terminal the first SIGINT, SIGTERM or SIGHUP goes to its first process, which may ignore it, and a second one kills " +
      `the pod. ${FROM_STDIN}`,
    args: [FILE],
    options: [
      { long: "detach", short: "d", kind: "flag", summary: "return as soon as the pod runs, and keep it" },
      {
        long: "interactive",
        short: "i",
        kind: "flag",
        summary: "sit down at the container whose manifest says stdin: true, and give it what is typed",
      },
      { long: "tty", short: "t", kind: "flag", summary: "the same for tty: true, at its terminal" },
      { ...CONTAINER, summary: "which container -i and -t mean" },
      DETACH_KEYS,
      { long: "keep", kind: "flag", summary: "do not delete the pod after it has ended" },
      NAME,
      REPLICAS,
      NETWORK,
      PUBLISH,
      CONFIGMAP,
      ...ENV,
      ...NAMES,
      DRY_RUN,
    ],
    takesCommand: false,
    examples: [
      { line: "peapod run pod.yaml", tells: "watch it; Ctrl-C stops it" },
      { line: "peapod run -it shell.yaml", tells: "a shell; its exit status is handed on" },
      { line: "peapod run --replicas 3 pod.yaml", tells: "NAME-0, NAME-1 and NAME-2" },
    ],
  },
  {
    name: "clone",
    aliases: [],
    summary: "make another pod of a pod's manifest",
    about:
      "The manifest that POD was made of, with what update -f made of it since, under another name: POD-clone unless " +
      "told. Limits that update set by options are not in it. " +
      "What has become of POD while it ran is not taken along. Prints the new pod's name.",
    args: [POD, { name: "NEWNAME", kind: "text", required: false, many: false }],
    options: [{ long: "start", kind: "flag", summary: "start it, too" }, NETWORK, PUBLISH, CONFIGMAP],
    takesCommand: false,
    examples: [
      { line: "peapod clone web web2", tells: "then: peapod start web2" },
      { line: "peapod clone --start web", tells: "web-clone runs" },
    ],
  },
  {
    name: "generate",
    aliases: [],
    summary: "print the manifest of a pod that is there",
    about:
      "A Kubernetes v1 Pod in YAML that peapod run takes, and that gives the same plan: what the user wrote, without " +
      "comments, with what update -f made of it since; limits that update set by options are not in it. Images are absolute, and the name is the pod's own. Secrets are never in it.",
    args: [POD],
    options: [
      OUT_FILE,
      { long: "filename", short: "f", kind: "text", value: "FILE", summary: "the same, for those used to say it so" },
    ],
    takesCommand: false,
    examples: [
      { line: "peapod generate web", tells: "look at it" },
      { line: "peapod generate web -o web.yaml", tells: "keep it in a file" },
    ],
  },
];
