// A pod back as the manifest that it was made of, read from its directory.

import { PeapodError } from "../../base/errors.ts";
import { readOwnJson } from "../../base/files.ts";
import type { PodName } from "../../base/names.ts";
import { makePodPaths } from "../../base/paths.ts";
import { makeGenerated, type StoredDocuments } from "../../manifest/make-generated.ts";
import { makeReader } from "./reader.ts";

/** @throws NOT_FOUND, STATE_DAMAGED */
export async function generatePod(root: string, pod: PodName): Promise<string> {
  const manifest = await makeReader(root).manifest(pod);
  const { document: path } = makePodPaths(root, pod);
  const stored = readOwnJson<StoredDocuments>(path);
  if (stored === undefined) throw new PeapodError("STATE_DAMAGED", `pod ${pod}: ${path} is missing`);
  return makeGenerated(stored, manifest);
}
