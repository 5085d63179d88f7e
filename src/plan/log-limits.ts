// How large a container's log may grow, from annotations; the kubelet's containerLogMaxSize and containerLogMaxFiles.

import { parseBytes } from "../manifest/amounts.ts";
import { LOG_MAX_FILES, LOG_MAX_SIZE } from "../manifest/annotations.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { refuse } from "./annotations.ts";
import type { LogLimits } from "./plan.ts";

/** The kubelet's. */
export const DEFAULT_LOG_LIMITS: LogLimits = { maxSizeBytes: 10 * 1024 * 1024, maxFiles: 5 };
/** As many as io counts. */
const MOST_FILES = 1000;

/** Undefined where the manifest says nothing of it. @throws BAD_MANIFEST */
export function makeLogLimits(manifest: Manifest): LogLimits | undefined {
  const { annotations } = manifest.metadata;
  const size = annotations[LOG_MAX_SIZE]?.trim();
  const files = annotations[LOG_MAX_FILES]?.trim();
  if (size === undefined && files === undefined) return undefined;
  return {
    maxSizeBytes: size === undefined ? DEFAULT_LOG_LIMITS.maxSizeBytes : parseSize(manifest, size),
    maxFiles: files === undefined ? DEFAULT_LOG_LIMITS.maxFiles : parseFiles(manifest, files),
  };
}

function parseSize(manifest: Manifest, text: string): number {
  if (text === "0") return 0;
  const amount = parseBytes(text);
  if ("value" in amount) return amount.value;
  throw refuse("BAD_MANIFEST", manifest, LOG_MAX_SIZE, amount.fault.replace("leave it out", "write 0"));
}

function parseFiles(manifest: Manifest, text: string): number {
  const count = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= MOST_FILES) return count;
  throw refuse("BAD_MANIFEST", manifest, LOG_MAX_FILES, `must be a whole number from 1 to ${MOST_FILES}`);
}
