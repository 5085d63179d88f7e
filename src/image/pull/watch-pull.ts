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

/** Where the bytes of a copy arrive. */
export interface Copied {
  readonly store: string;
  readonly layout: string;
  /** What skopeo keeps for a while: archives and a daemon's answers come here first. */
  readonly spool: string;
  readonly layers: readonly Layer[];
}

/** @param stallMs after so long without a byte `onStall` is called, once */
export function watchCopy(
  { image, totalBytes, tell }: Watched,
  from: Copied,
  stall: { readonly stallMs: number; readonly onStall: () => void },
): () => void {
  let last = -1;
  let since = Date.now();
  return every(() => {
    const doneBytes = readCopied(from);
    tell?.({ image, doing: "pulling", doneBytes, totalBytes });
    const arrivedBytes = doneBytes + sizeOfAll(from.spool);
    if (arrivedBytes !== last) since = Date.now();
    else if (Date.now() - since >= stall.stallMs) stall.onStall();
    last = arrivedBytes;
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
function readCopied({ store, layout, layers }: Copied): number {
  const whole = layers.reduce((sum, { digest }) => sum + sizeOf(blobFile(store, digest)), 0);
  return whole + sizeOfAll(layout, "oci-put-blob");
}

function sizeOfAll(dir: string, prefix = ""): number {
  const names = namesIn(dir).filter((name) => name.startsWith(prefix));
  return names.reduce((sum, name) => sum + sizeOf(join(dir, name)), 0);
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
