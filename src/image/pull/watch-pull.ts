// How far a pull is, by what lies on the disk and what the kernel counts, since neither skopeo nor umoci tells a program;
// and whether it goes on at all: a registry that stops in the middle is not waited for for ever.

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { readTextIfAny } from "../../base/files.ts";
import { blobFile } from "../store/store-paths.ts";
import type { TellPull } from "./news.ts";
import type { Layer } from "./parse-image.ts";

const LOOK_EVERY_MS = 100;

export interface Watched {
  readonly image: string;
  readonly totalBytes: number;
  readonly tell: TellPull | undefined;
}

/** @param stallMs after so long without a byte `onStall` is called, once */
export function watchCopy(
  { image, totalBytes, tell }: Watched,
  from: { readonly store: string; readonly layout: string; readonly layers: readonly Layer[] },
  stall: { readonly stallMs: number; readonly onStall: () => void },
): () => void {
  let last = -1;
  let since = Date.now();
  return every(() => {
    const doneBytes = readCopied(from);
    tell?.({ image, doing: "pulling", doneBytes, totalBytes });
    if (doneBytes !== last) since = Date.now();
    else if (Date.now() - since >= stall.stallMs) stall.onStall();
    last = doneBytes;
  });
}

/** umoci reads each layer once, and little else. */
export function watchUnpack({ image, totalBytes, tell }: Watched, pid: () => number | undefined): () => void {
  return every(() => {
    const doneBytes = Math.min(readBytesRead(pid()), totalBytes);
    tell?.({ image, doing: "unpacking", doneBytes, totalBytes });
  });
}

function every(look: () => void): () => void {
  look();
  const timer = setInterval(look, LOOK_EVERY_MS);
  return () => clearInterval(timer);
}

/** What is there of the layers, whole ones and those that are being written beside the layout's blobs. */
function readCopied({ store, layout, layers }: Parameters<typeof watchCopy>[1]): number {
  const whole = layers.reduce((sum, { digest }) => sum + sizeOf(blobFile(store, digest)), 0);
  const parts = namesIn(layout).filter((name) => name.startsWith("oci-put-blob"));
  return parts.reduce((sum, name) => sum + sizeOf(join(layout, name)), whole);
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function readBytesRead(pid: number | undefined): number {
  if (pid === undefined) return 0;
  try {
    return Number(/^rchar: (\d+)$/m.exec(readTextIfAny(`/proc/${pid}/io`) ?? "")?.[1] ?? 0);
  } catch {
    // It has ended this instant.
    return 0;
  }
}
