// The verbs that look at pods and disturb nothing: state, list, ps, stats, top, logs, events, inspect, ns.

import { CONTAINERS, formatOption, POD, type Verb } from "../grammar.ts";
import { STATS, TOP } from "./resources.ts";

export const LOOKING: readonly Verb[] = [
  {
    name: "state",
    aliases: [],
    summary: "tell the state of a pod",
    about: "JSON unless told, as runc's state; --format table for people.",
    args: [POD],
    options: [formatOption(["json", "table"], "json")],
    takesCommand: false,
    examples: [
      { line: "peapod state web", tells: "for programs" },
      { line: "peapod state web --format table", tells: "for people" },
    ],
  },
  {
    name: "list",
    aliases: ["ls"],
    summary: "list the pods",
    about:
      "All pods below the root, by name. READY counts the main containers and sidecars whose readiness probes succeed, or " +
      "that run and have none; RESTARTS how often containers were started again, and when one last ended for it.",
    args: [],
    options: [
      { long: "quiet", short: "q", kind: "flag", summary: "names only" },
      formatOption(["table", "wide", "json"], "table", "how to print it; wide adds addresses and networks"),
    ],
    takesCommand: false,
    examples: [
      { line: "peapod list", tells: "all pods" },
      { line: "peapod ls -q", tells: "their names, one a line" },
      { line: "peapod list --format json", tells: "an array of what state prints" },
    ],
  },
  {
    name: "ps",
    aliases: [],
    summary: "list the processes of a pod",
    about: "All processes of all containers as the kernel has them now, with the host's pids.",
    args: [POD],
    options: [formatOption(["table", "json"], "table")],
    takesCommand: false,
    examples: [
      { line: "peapod ps web", tells: "by container" },
      { line: "peapod ps web --format json", tells: "for programs" },
    ],
  },
  STATS,
  TOP,
  {
    name: "logs",
    aliases: [],
    summary: "show what the containers wrote",
    about:
      "Lines that a container wrote to stderr go to stderr. Where several containers are shown each line bears its " +
      "container's name, and lines are in the order of their times. With -f it goes on until all of them have ended.",
    args: [POD, { name: "CONTAINER", kind: "text", required: false, many: true }],
    options: [
      { long: "follow", short: "f", kind: "flag", summary: "go on with what they write from now on" },
      {
        long: "since",
        kind: "text",
        value: "TIME",
        summary: "only from then on: 10m (ago), 2026-11-22T10:00:00Z, or seconds since 1970",
      },
      { long: "until", kind: "text", value: "TIME", summary: "only up to then, in the same words" },
      { long: "tail", kind: "text", value: "N", summary: "only the last N lines of each container; -1: all of them" },
      { long: "timestamps", short: "t", kind: "flag", summary: "begin each line with its time" },
      {
        long: "names",
        short: "n",
        kind: "flag",
        summary: "begin each line with its container's name, also where there is one",
      },
      { long: "previous", short: "p", kind: "flag", summary: "of the attempt before the latest one" },
      CONTAINERS,
    ],
    takesCommand: false,
    examples: [
      { line: "peapod logs web", tells: "everything, all containers" },
      { line: "peapod logs -f --tail 10 web -c server", tells: "the last ten lines of one, and what comes" },
      { line: "peapod logs -p web -c server", tells: "what it wrote before it was started again" },
    ],
  },
  {
    name: "events",
    aliases: [],
    summary: "tell what happened to a pod",
    about:
      "What became true of the pod and its containers, and why, in that order. JSON is one object a line, and tells every step " +
      "exactly once; each has a number, the cursor: --since CURSOR continues after it. The table leaves out what says nothing to a person.",
    args: [POD],
    options: [
      CONTAINERS,
      {
        long: "since",
        kind: "text",
        value: "CURSOR|TIME",
        summary:
          "only events after this one, or from this time on: 10m (ago), 2026-11-22T10:00:00Z; else all that are kept",
      },
      { long: "follow", short: "f", kind: "flag", summary: "go on until the pod is deleted" },
      formatOption(["table", "json"], "table"),
    ],
    takesCommand: false,
    examples: [
      { line: "peapod events web", tells: "from the beginning" },
      {
        line: "peapod events -f --since 10m web -c server",
        tells: "the last ten minutes of one container, and what comes",
      },
      { line: "peapod events --follow --since 12 --format json web", tells: "continue where one left off" },
    ],
  },
  {
    name: "inspect",
    aliases: [],
    summary: "print all that is known of a pod",
    about: "One JSON object with the state, the manifest with its defaults filled in, and the plan with all decisions.",
    args: [POD],
    options: [],
    takesCommand: false,
    examples: [
      { line: "peapod inspect web", tells: "everything" },
      { line: "peapod inspect web | jq .plan.sandbox", tells: "a part" },
    ],
  },
  {
    name: "ns",
    aliases: [],
    summary: "show who shares which namespace with whom",
    about:
      "The eight namespaces of each container, read from the kernel. --diff alone tells where that differs from the plan, " +
      "--diff OTHER where it differs from another pod; the exit status is then 1 if there is a difference.",
    args: [POD],
    options: [
      {
        long: "diff",
        kind: "text",
        value: "OTHER",
        valueOptional: true,
        summary: "differences to the plan, or to the pod OTHER",
      },
      formatOption(["table", "json", "dot"], "table", "how to print it; dot draws it with Graphviz"),
    ],
    takesCommand: false,
    examples: [
      { line: "peapod ns web", tells: "the table" },
      { line: "peapod ns web --diff", tells: "is it as planned?" },
      { line: "peapod ns web --format dot | dot -Tsvg > web.svg", tells: "a picture" },
    ],
  },
];
