// skopeo and umoci, each call to its end. They end with us, whatever ends us, so that nothing is written to the store by
// those whom nobody waits for; and their failures are told in their own last words.

import { type CallResult, call } from "../../base/call.ts";
import { type ErrorCode, PeapodError } from "../../base/errors.ts";

export interface ToolRun {
  readonly program: "skopeo" | "umoci" | "tar";
  readonly args: readonly string[];
  readonly cancel?: AbortSignal | undefined;
  /** Milliseconds; then it is killed, and the result says `timedOut`. */
  readonly timeoutMs?: number;
  readonly onStart?: (pid: number) => void;
}

/** @throws HOST_LACKS, CANCELED */
export async function runTool({ program, args, cancel, timeoutMs, onStart }: ToolRun): Promise<CallResult> {
  const result = await call({
    program: "setpriv",
    args: ["--pdeathsig", "KILL", "--", program, ...args],
    ...(cancel === undefined ? {} : { cancel }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(onStart === undefined ? {} : { onStart }),
  });
  if (cancel?.aborted) throw new PeapodError("CANCELED", "image: was interrupted");
  if (result.startError !== undefined)
    throw new PeapodError("HOST_LACKS", `images: setpriv cannot be run (${result.startError})`, {
      hint: "it is part of util-linux",
    });
  if (result.exitCode === 127 && /^setpriv: /m.test(result.stderr))
    throw new PeapodError("HOST_LACKS", `images: ${program} is not installed`, {
      hint: `apt-get install ${program}: pulling is skopeo's work, unpacking umoci's`,
    });
  return result;
}

export interface ToolFailure {
  readonly code: ErrorCode;
  readonly words: string;
}

/** What went wrong, without the time, the program's own steps and quotes in quotes. */
export function parseFailure(program: string, { stderr, exitCode, signal }: CallResult): ToolFailure {
  const lines = stderr.split("\n").map((line) => line.trim());
  const fatal = lines.find((line) => /level=fatal/.test(line)) ?? lines.findLast((line) => line.startsWith("⨯"));
  const said = fatal ?? lines.findLast((line) => line !== "") ?? `${program} ended with ${exitCode ?? signal}`;
  const words = unquote(said)
    .replace(/^⨯ /, "")
    .replace(/^Error parsing image name "[^"]*": /, "")
    .replace(/^(initializing source|creating an updated image manifest|create rootfs:) (?:\S+:\/\/)?\S+: /, "")
    .replace(/^(create rootfs|writing blob): /, "")
    .replace(/^happened during read: /, "");
  return { code: codeOf(words), words };
}

/** logrus writes `msg="…"` with Go's escapes. */
function unquote(line: string): string {
  const [, text] = /msg=("(?:[^"\\]|\\.)*"|\S+)/.exec(line) ?? [];
  if (text === undefined) return line;
  try {
    return text.startsWith('"') ? (JSON.parse(text) as string) : text;
  } catch {
    return text.slice(1, -1);
  }
}

function codeOf(words: string): ErrorCode {
  if (/no space left|quota exceeded|cannot allocate memory/i.test(words)) return "OUT_OF_RESOURCES";
  if (/unauthorized|authentication required|denied|permission|policy/i.test(words)) return "NOT_PERMITTED";
  if (
    /manifest unknown|name unknown|no descriptor found|no such file|not found|does not exist|does not resolve|404/i.test(
      words,
    )
  )
    return "NOT_FOUND";
  return "RUNTIME_FAILED";
}
