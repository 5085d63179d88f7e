// The verbs for whoever looks after the machine: doctor, verify, completion, help.

import { formatOption, type Verb } from "../grammar.ts";

export const TENDING: readonly Verb[] = [
  {
    name: "doctor",
    aliases: [],
    summary: "list every object of every pod, and find what was left over",
    about:
      "Processes, mounts, cgroups, namespaces, sockets and directories, each with its owner. What no living pod needs is " +
      "left over (after a crash of the machine, for instance), and so is in the store of images what killed pulls left and " +
      "what nobody names or uses, but not an image that has a name; the exit status is then 1, unless --fix removed it.",
    args: [],
    options: [
      { long: "fix", kind: "flag", summary: "remove what was left over" },
      formatOption(["table", "json"], "table"),
    ],
    takesCommand: false,
    examples: [
      { line: "peapod doctor", tells: "look only" },
      { line: "peapod doctor --fix", tells: "clean up" },
    ],
  },
  {
    name: "verify",
    aliases: [],
    summary: "check a pod's journal against the rules of events",
    about:
      "Numbers without a gap, created before started before exited before deleted, each exactly once. Takes a pod, or the " +
      "path of a journal (with a / in it). The exit status is 1 where a rule is broken.",
    args: [{ name: "POD|FILE", kind: "pod", required: true, many: false }],
    options: [formatOption(["table", "json"], "table")],
    takesCommand: false,
    examples: [
      { line: "peapod verify web", tells: "a pod" },
      { line: "peapod verify ./journal", tells: "a journal kept from somewhere else" },
    ],
  },
  {
    name: "completion",
    aliases: [],
    summary: "print shell completion",
    about: "A script that completes verbs, options and the names of pods.",
    args: [{ name: "SHELL", kind: "shell", required: true, many: false }],
    options: [],
    takesCommand: false,
    examples: [
      { line: "source <(peapod completion bash)", tells: "for this bash; zsh alike" },
      { line: "peapod completion fish > ~/.config/fish/completions/peapod.fish", tells: "for every fish" },
    ],
  },
  {
    name: "help",
    aliases: [],
    summary: "explain peapod or one of its verbs",
    about: "The same as --help.",
    args: [{ name: "VERB", kind: "verb", required: false, many: true }],
    options: [],
    takesCommand: false,
    examples: [
      { line: "peapod help", tells: "all verbs" },
      { line: "peapod help run", tells: "one verb" },
    ],
  },
];
