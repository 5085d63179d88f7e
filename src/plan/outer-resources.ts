// Limits in a caller's container: its cgroup, the pod's parent, is the caller's to limit, and what we would write there he
// would not know of. Members' own limits stand on their leaves below it.

import { PeapodError } from "../base/errors.ts";
import { RESOURCE_ANNOTATIONS } from "../manifest/annotations.ts";
import type { Manifest } from "../manifest/manifest.ts";
import type { PlannedContainer, PlannedResources } from "./plan.ts";
import { isWritten, makePlace, makePointer } from "./where.ts";

const HINT = { hint: "the pod's limits come from the caller: docker run --memory, --cpus, --pids-limit" };

/** @throws NOT_SUPPORTED for what the manifest says of the pod as a whole */
export function assertNoPodLimits(manifest: Manifest): void {
  const annotations = RESOURCE_ANNOTATIONS.map((name) => makePointer("metadata", "annotations", name));
  const pointer = ["/spec/resources", ...annotations].find((one) => isWritten(manifest.source, one));
  if (pointer === undefined) return;
  const place = makePlace(manifest.source, pointer);
  throw new PeapodError(
    "NOT_SUPPORTED",
    `pod: its limits are those of the container that it lives in (${place})`,
    HINT,
  );
}

/** What nobody asked for, the caller has decided already: his limit of pids, his oom_score_adj. */
export function moveResources({ resources, reasons }: PlannedContainer): PlannedResources {
  const { oomScoreAdj: _, pidsLimit, ...rest } = resources;
  const isAsked = pidsLimit !== undefined && reasons["resources.pidsLimit"]?.source === "manifest";
  return { ...rest, ...(isAsked ? { pidsLimit } : {}) };
}
