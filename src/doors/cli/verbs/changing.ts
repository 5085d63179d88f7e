// The verbs that change a pod: start, exec, attach, kill, stop, restart, delete, pause, resume, update, wait.

import { CONTAINER, CONTAINERS, type OptionSpec, POD, PODS, type Verb } from "../grammar.ts";
import { ATTACH, DETACH_KEYS } from "./attaching.ts";
import { UPDATE } from "./resources.ts";

const GRACE: OptionSpec = {
  long: "time",
  short: "t",
  kind: "seconds",
  value: "SECONDS",
  summary: "grace period, instead of the manifest's terminationGracePeriodSeconds",
};

export const CHANGING: readonly Verb[] = [
  {
    name: "start",
    aliases: [],
    summary: "start the containers of a created pod",
    about: "Starts what peapod create made.",
    args: [PODS],
    options: [],
    takesCommand: false,
    examples: [
      { line: "peapod start web", tells: "one pod" },
      { line: "peapod start web db", tells: "several" },
    ],
  },
  {
    name: "exec",
    aliases: [],
    summary: "run a command in a container",
    about:
      "Runs COMMAND beside the container's own process, on the caller's standard input, output and error, and ends " +
      "with its exit status; 127 where the command is not found, 126 where it cannot be run. Options of peapod come " +
      "before the command; -- may separate them. With -t the command has a terminal, also where the caller has none. Without -c the pod must have one container.",
    args: [POD, { name: "COMMAND", kind: "text", required: true, many: true }],
    options: [
      CONTAINER,
      { long: "tty", short: "t", kind: "flag", summary: "give it a terminal" },
      {
        long: "interactive",
        short: "i",
        kind: "flag",
        summary: "accepted for those used to it: standard input is always passed on",
      },
      { ...DETACH_KEYS, summary: "with -t: keys that leave the command and let it run; empty: none" },
      {
        long: "env",
        short: "e",
        kind: "list",
        value: "NAME=VALUE",
        summary: "set an environment variable; NAME alone takes the caller's value",
      },
      { long: "cwd", short: "w", kind: "text", value: "DIR", summary: "working directory" },
      { long: "workdir", kind: "text", value: "DIR", summary: "the same, in podman's words" },
      {
        long: "user",
        short: "u",
        kind: "text",
        value: "USER[:GROUP]",
        summary: "run as this user, by number or by name",
      },
    ],
    takesCommand: true,
    examples: [
      { line: "peapod exec web ls -l /", tells: "in a pod of one container" },
      { line: "peapod exec -it -c server web sh", tells: "a shell in the container server" },
      { line: "peapod exec web -c server -- env -i sh", tells: "-- ends peapod's own options" },
    ],
  },
  ATTACH,
  {
    name: "kill",
    aliases: [],
    summary: "send a signal to a pod's containers",
    about:
      "Sends SIGNAL (a name or number, SIGTERM unless told) to the first process of each container, or of those " +
      "named with -c; with --all to all their processes.",
    args: [POD, { name: "SIGNAL", kind: "text", required: false, many: false }],
    options: [
      CONTAINERS,
      { long: "signal", short: "s", kind: "text", value: "SIGNAL", summary: "the signal, for those used to say it so" },
      { long: "all", short: "a", kind: "flag", summary: "all processes of a container, not its first alone" },
    ],
    takesCommand: false,
    examples: [
      { line: "peapod kill web", tells: "SIGTERM to all containers" },
      { line: "peapod kill web HUP -c server", tells: "have one read its configuration again" },
      { line: "peapod kill --all web KILL", tells: "the hard way" },
    ],
  },
  {
    name: "stop",
    aliases: [],
    summary: "end the containers of a pod",
    about:
      "In order: preStop hooks run, and the main containers get their stop signal, SIGTERM by default; then the sidecars " +
      "do, the last first. What still runs after the grace period gets SIGKILL. The pod stays.",
    args: [PODS],
    options: [GRACE],
    takesCommand: false,
    examples: [
      { line: "peapod stop web", tells: "with the manifest's grace period" },
      { line: "peapod stop -t 2 web db", tells: "two seconds for each" },
    ],
  },
  {
    name: "restart",
    aliases: [],
    summary: "end a pod or some of its containers, and start them again",
    about:
      "The pod: ended in order as stop does it, and brought up again from its first init container on, with the same " +
      "volumes and what is in them; also where it has ended by itself. With -c those containers alone, at once and " +
      "whatever their restartPolicy says, while the others run on; it counts as a restart of theirs.",
    args: [PODS],
    options: [CONTAINERS, GRACE],
    takesCommand: false,
    examples: [
      { line: "peapod restart web", tells: "the whole pod" },
      { line: "peapod restart web -c server", tells: "one container" },
      { line: "peapod restart -t 2 web db", tells: "two seconds of grace for each" },
    ],
  },
  {
    name: "delete",
    aliases: ["rm"],
    summary: "remove a pod and all that belongs to it",
    about:
      "Returns when nothing of the pod is left: processes, mounts, cgroups, namespaces, files. A pod that runs is " +
      "refused unless forced; forcing also makes the absence of the pod a success.",
    args: [PODS],
    options: [{ long: "force", short: "f", kind: "flag", summary: "kill it first if it runs" }],
    takesCommand: false,
    examples: [
      { line: "peapod delete web", tells: "an ended pod" },
      { line: "peapod delete -f web db", tells: "whatever they do" },
    ],
  },
  {
    name: "pause",
    aliases: [],
    summary: "freeze all processes of a pod",
    about: "All containers stand still at one instant, by the freezer of the pod's cgroup.",
    args: [PODS],
    options: [],
    takesCommand: false,
    examples: [
      { line: "peapod pause web", tells: "freeze" },
      { line: "peapod pause web db", tells: "one after the other" },
    ],
  },
  {
    name: "resume",
    aliases: ["unpause"],
    summary: "let a paused pod go on",
    about: "Thaws what peapod pause froze.",
    args: [PODS],
    options: [],
    takesCommand: false,
    examples: [
      { line: "peapod resume web", tells: "go on" },
      { line: "peapod unpause web", tells: "the same, in podman's word" },
    ],
  },
  UPDATE,
  {
    name: "wait",
    aliases: [],
    summary: "wait until a pod has ended, or is ready",
    about:
      "Prints one line for each pod named: its result, as run would end with it; lost where nobody can say any more. " +
      "With -c the results of those containers, one a line: how the attempt at hand ends, or has ended, also of one that will " +
      "be started again. With --for=ready it waits until all containers are ready, " +
      "with --for=initialized until all init containers are through, and prints nothing; a pod that ends before is an error.",
    args: [PODS],
    options: [
      CONTAINERS,
      {
        long: "for",
        kind: "text",
        value: "WHAT",
        summary: "ready, initialized or exited (the default); condition=Ready as well",
      },
      { long: "timeout", kind: "seconds", value: "SECONDS", summary: "give up after so long; 0 looks once" },
    ],
    takesCommand: false,
    examples: [
      { line: "peapod wait web", tells: "prints 0 when all went well" },
      { line: "peapod wait web -c client", tells: "one container" },
      { line: "peapod wait web --for=ready --timeout 30", tells: "until its readiness probes succeed" },
    ],
  },
];
