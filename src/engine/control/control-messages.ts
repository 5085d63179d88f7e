// What is said over the control socket, for both ends. HTTP is only the envelope: its status follows from the error's code.

import type { ErrorCode, ErrorJson } from "../../base/errors.ts";
import type { WrittenManifest } from "../../manifest/read-written.ts";
import type { ResourceChange } from "../../plan/resource-change.ts";
import type { PodState } from "../../state/pod-state.ts";

export const VERBS = [
  "start",
  "stop",
  "kill",
  "pause",
  "resume",
  "checkpoint",
  "restore",
  "restart",
  "update",
  "delete",
] as const;
export type Verb = (typeof VERBS)[number];

/** Body of `POST /v1/pod/<verb>`; all fields may be left out but where a verb needs them. */
export interface Ask {
  /** Any text of the caller's; the same one again does not act twice. */
  readonly request?: string;
  /** stop, restart: milliseconds between SIGTERM and SIGKILL, for the whole pod. */
  readonly graceMs?: number;
  /** kill: `TERM`, `SIGTERM` or `15`. */
  readonly signal?: string;
  /** kill: one container instead of all. */
  readonly container?: string;
  /** kill: every process of the containers, not their first alone. */
  readonly all?: boolean;
  /** restart, update: these containers; absent: the pod itself. */
  readonly containers?: readonly string[];
  /** update: limits as they shall be; what is not named stays. */
  readonly resources?: ResourceChange;
  /** update: what the pod is to become. */
  readonly manifest?: WrittenManifest;
  /** checkpoint, restore: absolute path of the program, instead of the first on the PATH. */
  readonly criu?: string;
  /** checkpoint: TCP connections within the pod as well. */
  readonly tcpEstablished?: boolean;
  /** checkpoint: file locks as well. */
  readonly fileLocks?: boolean;
  /** checkpoint, restore: CRIU's logs stay below the pod's directory. */
  readonly keep?: boolean;
  /** delete: also while it runs. */
  readonly force?: boolean;
}

export type Answer = { readonly state: PodState | null } | { readonly error: ErrorJson };

const HTTP_STATUS: Readonly<Record<ErrorCode, number>> = {
  BAD_USAGE: 400,
  BAD_MANIFEST: 400,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  WRONG_STATE: 409,
  NOT_SUPPORTED: 501,
  HOST_LACKS: 501,
  NOT_PERMITTED: 403,
  OUT_OF_RESOURCES: 507,
  RUNTIME_MISSING: 502,
  RUNTIME_FAILED: 502,
  NETWORK_FAILED: 502,
  TIMED_OUT: 504,
  CANCELED: 499,
  SUPERVISOR_GONE: 503,
  TOO_OLD: 410,
  STATE_DAMAGED: 500,
  BUG: 500,
};

export function httpStatusOf(code: ErrorCode): number {
  return HTTP_STATUS[code];
}
