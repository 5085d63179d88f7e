// Where a field of securityContext was written: the container's own goes before the pod's.

import type { Manifest } from "../manifest/manifest.ts";
import { isWritten, makeContainerPointer, makePointer } from "./where.ts";

/** The container's own place where nobody wrote it. */
export function securityPointer(manifest: Manifest, index: number, ...field: readonly string[]): string {
  const own = makeContainerPointer(manifest, index, "securityContext", ...field);
  const ofPod = makePointer("spec", "securityContext", ...field);
  return !isWritten(manifest.source, own) && isWritten(manifest.source, ofPod) ? ofPod : own;
}
