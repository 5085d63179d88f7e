// The verbs about what pods use and may use: update, stats, top.

import { CONTAINERS, formatOption, type OptionSpec, POD, type Verb } from "../grammar.ts";
import { CONFIGMAP } from "./making.ts";

const PODS_IF_ANY = { name: "POD", kind: "pod", required: false, many: true } as const;
const INTERVAL: OptionSpec = {
  long: "interval",
  short: "i",
  kind: "seconds",
  value: "SECONDS",
  fallback: "1",
  summary: "time between two looks, 0.1 or more",
};

export const UPDATE: Verb = {
  name: "update",
  aliases: [],
  summary: "change a pod while it runs: limits, or which containers it has",
  about:
    "With containers, changes each of them, without, the pod itself: what all its containers have together. All is changed " +
    "or nothing. What the kernel refuses (less memory than is in use) is told, and all stays as it was. Sizes are bytes, " +
    "or 64k, 64m, 1g, 64Mi, 64MB, by 1024 all of them, as podman and docker have it (64M of a manifest is by 1000); -1 " +
    "takes a limit away, of memory 0 as well. Limits that were changed hold also when a container is started again. With -f " +
    "the pod becomes what FILE says: containers that are new in it are made and started, those that it does not name any " +
    "more are ended in order and taken away, those that it tells otherwise are replaced; all others run on, and see the " +
    "files of a ConfigMap change. What cannot change while the pod runs (init containers, what containers share, the host " +
    "name, the kind of a volume) is refused before anything is done.",
  args: [POD, { name: "CONTAINER", kind: "text", required: false, many: true }],
  options: [
    { ...CONTAINERS, summary: "this container, not the pod as a whole" },
    { long: "cpus", kind: "text", value: "NUMBER", summary: "processors at most: 1.5; 0 takes the limit away" },
    { long: "cpu-shares", kind: "number", value: "N", summary: "weight on a busy machine; 1024 is one processor's" },
    { long: "cpu-period", kind: "number", value: "MICROSECONDS", summary: "period of the quota" },
    { long: "cpu-quota", kind: "text", value: "MICROSECONDS", summary: "processor time in each period, or -1" },
    { long: "cpuset-cpus", kind: "text", value: "LIST", summary: "on these processors: 0-2,5" },
    { long: "cpuset-mems", kind: "text", value: "LIST", summary: "from these memory nodes: 0-2,5" },
    { long: "memory", short: "m", kind: "text", value: "SIZE", summary: "memory at most; 0 and -1: no limit" },
    {
      long: "memory-reservation",
      kind: "text",
      value: "SIZE",
      summary: "memory that is left to it while others can give some; 0 for none",
    },
    {
      long: "memory-swap",
      kind: "text",
      value: "SIZE",
      summary: "memory and swap together, or -1; else it keeps the swap that it has",
    },
    { long: "pids-limit", kind: "text", value: "N", summary: "processes and threads at most, or -1" },
    { long: "blkio-weight", kind: "number", value: "N", summary: "weight at block devices, 10 to 1000" },
    {
      long: "resources",
      short: "r",
      kind: "text",
      value: "FILE",
      summary: "all of it from OCI's JSON, as runc update takes it; - reads standard input",
    },
    {
      long: "filename",
      short: "f",
      kind: "text",
      value: "FILE",
      summary: "the manifest that holds from now on, instead of limits; - reads standard input",
    },
    CONFIGMAP,
  ],
  takesCommand: false,
  examples: [
    { line: "peapod update web -c server --memory 128m --cpus 1.5", tells: "one container" },
    { line: "peapod update web --pids-limit 500", tells: "all containers together" },
    { line: "peapod update web -f pod.yaml", tells: "the file was edited" },
  ],
};

export const STATS: Verb = {
  name: "stats",
  aliases: [],
  summary: "show what pods and containers use",
  about:
    "Processor time as percents of one processor (200 is two of them), memory without pages of files that could go at " +
    "once, bytes through the pod's network and to and from block devices, processes and threads. On cgroup version 2 " +
    "also pressure: the percents of the last ten seconds in which something waited for processor, memory or disk. On a " +
    "terminal the table is drawn again at each look, elsewhere each look is a line for each pod and container. JSON is " +
    "one object a line, one for each pod. Without POD all pods are shown.",
  args: [PODS_IF_ANY],
  options: [
    { long: "no-stream", kind: "flag", summary: "one look, and end" },
    INTERVAL,
    formatOption(["table", "json"], "table"),
  ],
  takesCommand: false,
  examples: [
    { line: "peapod stats", tells: "all pods, until Ctrl-C" },
    { line: "peapod stats --no-stream --format json web", tells: "one pod, once, for programs" },
  ],
};

export const TOP: Verb = {
  name: "top",
  aliases: [],
  summary: "watch pods on the whole screen",
  about:
    "Bars and the last minutes of processor and memory, by pod and, once opened, by container. Arrows (or j and k) move, " +
    "Enter opens and closes a pod, e all of them; c, m, p and n sort by processor, memory, processes and name; q ends. " +
    "With POD only those. The processes of a pod are peapod ps.",
  args: [PODS_IF_ANY],
  options: [INTERVAL],
  takesCommand: false,
  examples: [
    { line: "peapod top", tells: "all pods" },
    { line: "peapod top web", tells: "one pod and its containers" },
  ],
};
