// The verbs for volumes that outlive pods: volume list, inspect, rm, prune.

import { type ArgumentSpec, formatOption, type Verb } from "../grammar.ts";

const NAMES: ArgumentSpec = { name: "NAME", kind: "text", required: true, many: true };
const WHAT =
  "A volume is made by the first pod whose manifest names it as a persistentVolumeClaim, and stays when that pod is deleted.";

export const VOLUMES: readonly Verb[] = [
  {
    name: "volume list",
    aliases: ["volume ls"],
    summary: "list the volumes that outlive pods",
    about: WHAT,
    args: [],
    options: [
      { long: "quiet", short: "q", kind: "flag", summary: "names only" },
      formatOption(["table", "json"], "table"),
    ],
    takesCommand: false,
    examples: [
      { line: "peapod volume list", tells: "with the pods that use them" },
      { line: "peapod volume ls -q", tells: "their names, one a line" },
    ],
  },
  {
    name: "volume inspect",
    aliases: [],
    summary: "print all that is known of volumes",
    about: "A JSON array: where each lies, who made it and when, and which pods use it.",
    args: [NAMES],
    options: [],
    takesCommand: false,
    examples: [
      { line: "peapod volume inspect data", tells: "one" },
      { line: "peapod volume inspect data | jq -r .[].path", tells: "where its files lie" },
    ],
  },
  {
    name: "volume rm",
    aliases: [],
    summary: "remove volumes with all that is in them",
    about: "One that a pod uses, running or not, is not removed.",
    args: [NAMES],
    options: [],
    takesCommand: false,
    examples: [
      { line: "peapod volume rm data", tells: "one" },
      { line: "peapod volume rm data cache", tells: "several" },
    ],
  },
  {
    name: "volume prune",
    aliases: [],
    summary: "remove every volume that no pod uses",
    about: "Prints the names of those that it removed. It does not ask.",
    args: [],
    options: [],
    takesCommand: false,
    examples: [
      { line: "peapod volume list", tells: "look first" },
      { line: "peapod volume prune", tells: "then remove" },
    ],
  },
];
