// The one error class. Codes are closed: a door turns a code into an exit status or an HTTP status,
// nothing below a door knows of either.

export const ERROR_CODES = [
  "BAD_USAGE",
  "BAD_MANIFEST",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "WRONG_STATE",
  "NOT_SUPPORTED",
  "HOST_LACKS",
  "NOT_PERMITTED",
  "OUT_OF_RESOURCES",
  "RUNTIME_MISSING",
  "RUNTIME_FAILED",
  "NETWORK_FAILED",
  "TIMED_OUT",
  "CANCELED",
  "SUPERVISOR_GONE",
  "TOO_OLD",
  "STATE_DAMAGED",
  "BUG",
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export interface ErrorMore {
  /** Structured facts for programs; never needed to understand the sentence. */
  readonly detail?: unknown;
  /** What to do about it: one lower-case sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** What crosses a process border when an error does. */
export interface ErrorJson {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
  readonly detail?: unknown;
}

/**
 * A failure that somebody can act on.
 * `message` is one lower-case sentence that names the thing first:
 * `container web: rootfs ./site does not exist (pod.yaml:14)`.
 */
export class PeapodError extends Error {
  override readonly name = "PeapodError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly detail: unknown;

  constructor(code: ErrorCode, message: string, more: ErrorMore = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.hint = more.hint;
    this.detail = more.detail;
  }

  toJSON(): ErrorJson {
    return {
      code: this.code,
      message: this.message,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      ...(this.detail === undefined ? {} : { detail: this.detail }),
    };
  }

  static fromJson(json: ErrorJson): PeapodError {
    return new PeapodError(json.code, json.message, {
      ...(json.hint === undefined ? {} : { hint: json.hint }),
      detail: json.detail,
    });
  }
}

/** The errno name (`ENOENT`) of a Node system error, if it is one. */
export function errnoOf(error: unknown): string | undefined {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  return undefined;
}

/** No block, no inode, or no quota is left on the disk. */
export function isFull(error: unknown): boolean {
  return ["ENOSPC", "EDQUOT"].includes(errnoOf(error) ?? "");
}

/** Any thrown thing as a PeapodError; what is not one already is a BUG or, by errno, a fact about the host. */
export function asPeapodError(error: unknown, what = "peapod"): PeapodError {
  if (error instanceof PeapodError) return error;
  const message = error instanceof Error ? error.message : String(error);
  switch (errnoOf(error)) {
    case "ENOSPC":
    case "EDQUOT":
    case "EMFILE":
    case "ENFILE":
    case "ENOMEM":
      return new PeapodError("OUT_OF_RESOURCES", `${what}: ${message}`, { cause: error });
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return new PeapodError("NOT_PERMITTED", `${what}: ${message}`, { cause: error });
    default:
      return new PeapodError("BUG", `${what}: ${message}`, { cause: error });
  }
}
