// A root file system directory as a tar archive, by tar(1): owners, modes, links, times and file capabilities survive, no
// link is followed, and what is mounted in the directory stays outside, as it does for an overlay.

import { call } from "../base/call.ts";
import { PeapodError } from "../base/errors.ts";

const FLAGS = [
  "--create",
  "--numeric-owner",
  "--one-file-system",
  "--xattrs",
  "--xattrs-include=security.capability",
  // The same directory gives the same archive, so that a builder's cache knows it again.
  "--sort=name",
  "--format=pax",
  "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime",
];

/**
 * @param directory absolute, with no link left in it
 * @param failure the error's beginning
 * @throws HOST_LACKS without tar; NOT_PERMITTED, OUT_OF_RESOURCES or RUNTIME_FAILED, in tar's last words
 */
export async function packDirectory(
  directory: string,
  archive: string,
  failure: string,
  cancel: AbortSignal | undefined,
): Promise<void> {
  const args = [...FLAGS, `--file=${archive}`, "--force-local", `--directory=${directory}`, "."];
  const result = await call({
    program: "tar",
    args,
    env: { LC_ALL: "C" },
    ...(cancel === undefined ? {} : { cancel }),
  });
  if (result.exitCode === 0) return;
  if (cancel?.aborted) throw new PeapodError("CANCELED", "packing: was interrupted");
  if (result.startError !== undefined)
    throw new PeapodError("HOST_LACKS", `${failure}: tar cannot be run (${result.startError})`, {
      hint: "install tar",
    });
  const words = findFirstWords(result.stderr) || `tar ended with ${result.exitCode ?? result.signal}`;
  throw new PeapodError(codeOf(words), `${failure}: ${words}`, {
    detail: { tool: "tar", exitCode: result.exitCode, stderr: result.stderr },
  });
}

/** What went wrong comes first; the last line says only that something did. */
function findFirstWords(stderr: string): string {
  const [first = ""] = stderr.split("\n").filter((line) => line !== "" && !line.includes("socket ignored"));
  return first.replace(/^tar: /, "");
}

function codeOf(words: string) {
  if (/no space left|quota exceeded|file too large/i.test(words)) return "OUT_OF_RESOURCES";
  return /permission denied|not permitted/i.test(words) ? "NOT_PERMITTED" : "RUNTIME_FAILED";
}
