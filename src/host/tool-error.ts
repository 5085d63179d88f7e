// Linux's own tools (unshare, mount, umount, systemctl): how they are run, and one error in our words for what they say
// when they do not do what they were asked.

import type { CallResult } from "../base/call.ts";
import type { ErrorCode } from "../base/errors.ts";
import { PeapodError } from "../base/errors.ts";

/** Root's own directories (a PATH from a user's login may lack them), and messages that can be read by a program. */
export const TOOL_ENVIRONMENT = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  LC_ALL: "C",
} as const;

interface Reason {
  readonly words: RegExp;
  readonly code: ErrorCode;
  readonly hint?: string;
}

/** strerror(3) in the C locale. */
const REASONS: readonly Reason[] = [
  { words: /no space left|quota exceeded|cannot allocate|too many open files/i, code: "OUT_OF_RESOURCES" },
  {
    words: /not permitted|permission denied|must be superuser|read-only/i,
    code: "NOT_PERMITTED",
    hint: "peapod needs root",
  },
];

/** What else goes wrong with a tool is what this machine cannot do: HOST_LACKS, with the tool's last line. */
export function makeToolError(what: string, tool: string, debianPackage: string, result: CallResult): PeapodError {
  if (result.startError !== undefined) {
    const how = result.startError === "ENOENT" ? "is missing" : `cannot be run (${result.startError})`;
    return new PeapodError("HOST_LACKS", `${what}: ${tool} ${how}`, { hint: `install ${debianPackage}` });
  }
  if (result.timedOut) return new PeapodError("TIMED_OUT", `${what}: ${tool} took too long and was ended`);
  const said = result.stderr.trim().split("\n").at(-1) ?? "";
  const reason = REASONS.find(({ words }) => words.test(result.stderr));
  return new PeapodError(
    reason?.code ?? "HOST_LACKS",
    `${what}: ${said === "" ? `${tool} ended with ${result.exitCode ?? result.signal}` : said}`,
    {
      detail: { tool, exitCode: result.exitCode, stderr: result.stderr },
      ...(reason?.hint === undefined ? {} : { hint: reason.hint }),
    },
  );
}
