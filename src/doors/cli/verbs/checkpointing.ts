// The verbs that put a pod on disk and take it up again: checkpoint, restore.

import { type OptionSpec, PODS, type Verb } from "../grammar.ts";

const CRIU: OptionSpec = {
  long: "criu",
  kind: "text",
  value: "PATH",
  env: "PEAPOD_CRIU",
  summary: "the program criu to use, instead of the first on the pod's PATH",
};
const KEEP: OptionSpec = {
  long: "keep",
  kind: "flag",
  summary: "keep CRIU's logs in the pod's directory, also when all went well",
};

export const CHECKPOINTING: readonly Verb[] = [
  {
    name: "checkpoint",
    aliases: [],
    summary: "put all processes of a pod on disk, and end them",
    about:
      "All containers stand still at one instant; then CRIU writes down the memory and the state of their processes, " +
      "and when all of it is on disk they are ended. The pod stays, with its namespaces, volumes, logs and restart " +
      "counts, and peapod restore lets it go on from that instant. If one container cannot be put on disk, none is ended.",
    args: [PODS],
    options: [
      {
        long: "tcp-established",
        kind: "flag",
        summary: "with TCP connections between the pod's containers; without it they are a reason to refuse",
      },
      { long: "file-locks", kind: "flag", summary: "with file locks; without it they are a reason to refuse" },
      CRIU,
      KEEP,
    ],
    takesCommand: false,
    examples: [
      { line: "peapod checkpoint web", tells: "the whole pod" },
      { line: "peapod checkpoint --tcp-established web", tells: "with the connections inside of it" },
    ],
  },
  {
    name: "restore",
    aliases: [],
    summary: "let a checkpointed pod go on",
    about:
      "Takes up the processes that peapod checkpoint put on disk: same memory, same process numbers in their own " +
      "namespaces, the log goes on. All go on at one instant. If one container cannot be restored, the pod stays checkpointed.",
    args: [PODS],
    options: [CRIU, KEEP],
    takesCommand: false,
    examples: [
      { line: "peapod restore web", tells: "from where it was" },
      { line: "peapod restore --criu /opt/criu/criu web", tells: "by a CRIU that is not on the PATH" },
    ],
  },
];
