// How many of its last events a pod's journal surely holds, for who follows it and was away.

import { KEPT_EVENTS } from "../manifest/annotations.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { refuse } from "./annotations.ts";

/** Of a container that ends again and again at the longest back-off, about ten hours. */
export const DEFAULT_KEPT_EVENTS = 1000;
const FEWEST = 20;
const MOST = 1_000_000;

/** Undefined where the manifest says nothing of it. @throws BAD_MANIFEST */
export function parseKeptEvents(manifest: Manifest): number | undefined {
  const text = manifest.metadata.annotations[KEPT_EVENTS]?.trim();
  if (text === undefined) return undefined;
  const count = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (count >= FEWEST && count <= MOST) return count;
  throw refuse("BAD_MANIFEST", manifest, KEPT_EVENTS, `must be a whole number from ${FEWEST} to ${MOST}`);
}
