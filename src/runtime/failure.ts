// What a runtime's last words mean in our codes, and what we say instead where we can say it better. Pure; the texts are
// those of runc 1.1 and of crun 1.8 and 1.21, each with its row in the tests.

import type { CallResult } from "../base/call.ts";
import { type ErrorCode, PeapodError } from "../base/errors.ts";

interface Meaning {
  readonly words: RegExp;
  readonly code: ErrorCode;
  /** Has the words' groups; without it the runtime's own words are told. */
  readonly say?: (groups: Readonly<Record<string, string>>) => string;
  readonly hint?: string;
}

const notFound = ({ it }: Readonly<Record<string, string>>) => `command "${it}" not found in its rootfs`;

/** The first that fits counts: the particular stands before the general. */
const MEANINGS: readonly Meaning[] = [
  { words: /exec: "(?<it>[^"]+)": executable file not found/, code: "NOT_FOUND", say: notFound },
  { words: /exec: "(?<it>[^"]+)": stat .*: (?:no such file or|not a) directory/, code: "NOT_FOUND", say: notFound },
  { words: /executable file `(?<it>[^`']+)[`'] not found/, code: "NOT_FOUND", say: notFound },
  { words: /exec (?<it>\/\S*): no such file or directory/, code: "NOT_FOUND", say: notFound },
  {
    words: /exec: "(?<it>[^"]+)": (?:permission denied|is a directory)/,
    code: "NOT_PERMITTED",
    say: ({ it }) => `command "${it}" is not executable`,
  },
  {
    words: /the path `(?<it>[^`]+)` exists but it is not executable/,
    code: "NOT_PERMITTED",
    say: ({ it }) => `command "${it}" is not executable`,
  },
  { words: /open executable: Permission denied/, code: "NOT_PERMITTED", say: () => "its command is not executable" },
  { words: /exec format error/i, code: "RUNTIME_FAILED", say: () => "its command is no program for this machine" },
  {
    words: /chdir to cwd \("(?<it>[^"]+)"\).*: (?:no such file|not a directory)/,
    code: "NOT_FOUND",
    say: ({ it }) => `working directory ${it} not found in its rootfs`,
  },
  {
    words: /chdir to `(?<it>[^`]+)`: (?<why>No such file or directory|Not a directory)/,
    code: "NOT_FOUND",
    say: ({ it, why }) => `working directory ${it}: ${why?.toLowerCase()}`,
  },
  {
    words: /invalid rootfs: .*stat (?<it>\S+): no such file/,
    code: "NOT_FOUND",
    say: ({ it }) => `rootfs ${it} does not exist`,
  },
  {
    words: /mounting "(?<from>[^"]+)" to rootfs at "(?<to>[^"]+)".*: no such file or directory/,
    code: "NOT_FOUND",
    say: ({ from, to }) => `${from}, to be mounted at ${to}, does not exist`,
  },
  {
    words: /namespace path: lstat (?<it>\S+): no such file/,
    code: "NOT_FOUND",
    say: ({ it }) => `namespace ${it} does not exist`,
  },
  {
    words: /unable to set memory limit to (?<it>\d+)/,
    code: "OUT_OF_RESOURCES",
    say: ({ it }) => `its memory limit of ${it} bytes is less than it takes to start`,
  },
  {
    // On version 2 the limit stands before the runtime's own process in the container has made room for the command.
    words: /init was OOM-killed|OOM: the memory limit could be too low/,
    code: "OUT_OF_RESOURCES",
    say: () => "its memory limit, or its pod's, is less than it takes to start",
  },
  {
    words:
      /container does not exist|error opening file `.*\/status`: No such file|cannot open directory `[^`]*\/runc\/[^`/]+`: No such file/,
    code: "NOT_FOUND",
    say: () => "the runtime does not know it",
  },
  { words: /already exists/, code: "ALREADY_EXISTS", say: () => "the runtime has one of that name already" },
  { words: /already running container/, code: "WRONG_STATE", say: () => "it is running already" },
  { words: /in (?:a|the) paused (?:container|state)/, code: "WRONG_STATE", say: () => "it is paused" },
  { words: /container not paused/, code: "WRONG_STATE", say: () => "it is not paused" },
  {
    words: /that is not stopped: \w+|cannot remove container .* not stopped/,
    code: "WRONG_STATE",
    say: () => "it has not ended yet",
  },
  {
    words:
      /container not running|process already finished|no such process|is not running|has stopped|in a stopped container/i,
    code: "WRONG_STATE",
    say: () => "it is not running",
  },
  { words: /(?:unknown|invalid) signal/i, code: "BAD_USAGE", say: () => "there is no such signal" },
  {
    words: /no space left on device|disk quota exceeded/i,
    code: "OUT_OF_RESOURCES",
    say: () => "no space left on device",
  },
  { words: /cannot allocate memory|resource temporarily unavailable|too many open files/i, code: "OUT_OF_RESOURCES" },
  {
    words: /hybrid mode not supported/,
    code: "HOST_LACKS",
    say: () => "this runtime cannot work with this machine's mixed cgroup layout",
    hint: "use runc",
  },
];

/**
 * The error for a call that did not succeed.
 * @param what names the thing first: `container web`
 * @param logText the runtime's `--log` file
 */
export function makeFailure(what: string, verb: string, result: CallResult, logText: string): PeapodError {
  if (result.startError !== undefined) {
    return new PeapodError("RUNTIME_MISSING", `${what}: the runtime cannot be run (${result.startError})`, {
      detail: { verb, result },
      hint: "install runc, or name another with --runtime",
    });
  }
  const lastWords = findLastWords(result, logText);
  if (result.timedOut) {
    return new PeapodError("TIMED_OUT", `${what}: ${verb} took too long and was ended`, {
      detail: { verb, lastWords, result },
    });
  }
  const detail = { verb, lastWords, result };
  for (const { words, code, say, hint } of MEANINGS) {
    const match = words.exec(lastWords);
    if (match === null) continue;
    const told = say ? say(match.groups ?? {}) : shorten(lastWords);
    return new PeapodError(code, `${what}: ${told}`, { detail, ...(hint === undefined ? {} : { hint }) });
  }
  const told = lastWords === "" ? `${verb} failed (${describeEnd(result)}) without a word` : shorten(lastWords);
  return new PeapodError("RUNTIME_FAILED", `${what}: ${told}`, { detail });
}

/** The last line of level error in the log, else the last line of stderr. */
export function findLastWords(result: Pick<CallResult, "stderr">, logText: string): string {
  const errors = logText.split("\n").flatMap((line) => {
    const entry = parseLogLine(line);
    return entry?.level === "error" && typeof entry.msg === "string" ? [entry.msg] : [];
  });
  const last = errors.at(-1) ?? result.stderr.trim().split("\n").at(-1) ?? "";
  return last.trim();
}

function parseLogLine(line: string): { readonly level?: unknown; readonly msg?: unknown } | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    return typeof entry === "object" && entry !== null ? entry : undefined;
  } catch {
    // A full disk cuts lines off, and a program that is no runtime writes what it likes.
    return undefined;
  }
}

/** What runc says before it says anything. */
function shorten(words: string): string {
  return words.replace(/^(?:runc \w+|exec) failed: /, "").replace(/^unable to start container process: /, "");
}

function describeEnd(result: CallResult): string {
  return result.signal === undefined ? `exit code ${result.exitCode}` : result.signal;
}
