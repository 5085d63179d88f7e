import t from "tap";
import { PeapodError } from "../../../../src/base/errors.ts";
import { asFull } from "../../../../src/image/pull/full-disk.ts";

const STORE = "/srv/images";

const ofTool = (words: string) => new PeapodError("OUT_OF_RESOURCES", words);
const ofNode = (code: string, message: string) => Object.assign(new Error(message), { code });

t.test("a full disk is one sentence, whoever met it", async (t) => {
  const table: readonly [unknown, string][] = [
    [
      ofTool(`cannot be pulled: write ${STORE}/tmp/1-1-1/layout/oci-put-blob1: no space left on device`),
      `cannot be pulled: there is no space left in ${STORE}`,
    ],
    [
      ofTool(`cannot be unpacked: mkdir rootfs: mkdir ${STORE}/tmp/1-1-1/unpacked/rootfs: no space left on device`),
      `cannot be unpacked: there is no space left in ${STORE}`,
    ],
    [
      ofNode("ENOSPC", `ENOSPC: no space left on device, mkdir '${STORE}/claims'`),
      `cannot be pulled: there is no space left in ${STORE}`,
    ],
    [
      ofNode("ENOSPC", "ENOSPC: no space left on device, write"),
      `cannot be pulled: there is no space left in ${STORE}`,
    ],
    [ofNode("EDQUOT", "EDQUOT: disk quota exceeded, write"), `cannot be pulled: the disk quota is used up in ${STORE}`],
  ];
  for (const [error, message] of table)
    t.match(asFull(STORE, error), { code: "OUT_OF_RESOURCES", message, hint: /image prune --all/ });
});

t.test("other failures, and another disk, speak for themselves", async (t) => {
  const others = [
    ofTool("cannot be pulled: cannot allocate memory"),
    ofTool("cannot be pulled: write /var/tmp/x: no space left on device"),
    ofNode("EMFILE", "EMFILE: too many open files"),
    new PeapodError("NOT_FOUND", "cannot be pulled: no space left on device: manifest unknown"),
  ];
  for (const error of others) t.equal(asFull(STORE, error), undefined);
});
