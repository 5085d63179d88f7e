// update: a running pod becomes what another manifest says.

import { type OptionSpec, POD, type Verb } from "../grammar.ts";

export const MANIFEST: OptionSpec = {
  long: "filename",
  short: "f",
  kind: "text",
  value: "FILE",
  summary: "the manifest that holds from now on; - reads standard input",
};

export const UPDATE: Verb = {
  name: "update",
  aliases: [],
  summary: "change a pod while it runs",
  about:
    "With -f the pod becomes what FILE says: containers that are new in it are made and started, those that it does not " +
    "name any more are ended in order and taken away, those that it tells otherwise are replaced; all others run on. What " +
    "cannot change while the pod runs (init containers, what containers share, the host name, a volume) is refused before " +
    "anything is done.",
  args: [POD],
  options: [MANIFEST],
  takesCommand: false,
  examples: [
    { line: "peapod update web -f pod.yaml", tells: "the file was edited" },
    { line: "peapod generate web | sed s/v1/v2/ | peapod update web -f -", tells: "without a file" },
  ],
};
