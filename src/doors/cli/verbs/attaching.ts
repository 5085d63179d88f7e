// attach, and the options of a terminal that other verbs have as well.

import { CONTAINER, type OptionSpec, POD, type Verb } from "../grammar.ts";

export const DETACH_KEYS: OptionSpec = {
  long: "detach-keys",
  kind: "text",
  value: "KEYS",
  fallback: "ctrl-p,ctrl-q",
  mayBeEmpty: true,
  summary: "keys that leave the container and let it run; empty: none",
};

export const ATTACH: Verb = {
  name: "attach",
  aliases: [],
  summary: "sit down at a container's streams",
  about:
    "Shows what the container writes from now on, and gives it what is typed or piped, where its manifest says " +
    "stdin: true. With tty: true its terminal becomes this one: keys as they are typed, Ctrl-C too, and this one's size. " +
    "Ends with the container's exit status, or with 0 when left by the detach keys. Several may attach at once.",
  args: [POD, { name: "CONTAINER", kind: "text", required: false, many: false }],
  options: [
    CONTAINER,
    { long: "interactive", short: "i", kind: "flag", summary: "an error where the container has no standard input" },
    { long: "tty", short: "t", kind: "flag", summary: "an error where the container has no terminal" },
    { long: "no-stdin", kind: "flag", summary: "look on: nothing is given to the container" },
    DETACH_KEYS,
    {
      long: "sig-proxy",
      kind: "choice",
      value: "BOOL",
      choices: ["true", "false"],
      fallback: "true",
      summary: "hand SIGINT, SIGTERM and SIGHUP to a container without a terminal",
    },
  ],
  takesCommand: false,
  examples: [
    { line: "peapod attach web", tells: "the pod's only container; ctrl-p ctrl-q leaves it" },
    { line: "peapod attach -it web -c shell", tells: "the shell of the container shell" },
    { line: "echo hello | peapod attach web -c reader", tells: "a line for a container that reads" },
  ],
};
