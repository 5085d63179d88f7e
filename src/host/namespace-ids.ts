// Which namespaces a process or a pin file stands for, by inode number: two processes share one where the numbers are
// equal (namespaces(7)).

import { readlinkSync, statfsSync, statSync } from "node:fs";
import { errnoOf } from "../base/errors.ts";
import type { NamespaceKind } from "../plan/plan.ts";
import { NAMESPACE_KINDS } from "../plan/plan.ts";

export type NamespaceIds = Readonly<Record<NamespaceKind, number | undefined>>;

/** statfs(2)'s type of the file system in which namespaces are files. */
const NSFS_MAGIC = 0x6e736673;

/** Those that the process itself is in; undefined where it has ended or the kernel lacks the kind. */
export function readNamespaceIds(pid: number | "self"): NamespaceIds {
  return Object.fromEntries(NAMESPACE_KINDS.map((kind) => [kind, readNamespaceId(pid, kind)])) as Record<
    NamespaceKind,
    number | undefined
  >;
}

export function readNamespaceId(pid: number | "self", kind: NamespaceKind): number | undefined {
  try {
    return parseNamespaceLink(readlinkSync(`/proc/${pid}/ns/${kind}`));
  } catch (error) {
    // ESRCH: ended meanwhile. EACCES: somebody else's process, which we cannot look into.
    if (["ENOENT", "ESRCH", "EACCES", "EPERM"].includes(errnoOf(error) ?? "")) return undefined;
    throw error;
  }
}

/** `net:[4026531833]` → 4026531833. */
export function parseNamespaceLink(text: string): number | undefined {
  const found = /^[a-z_]+:\[(\d+)\]$/.exec(text);
  return found ? Number(found[1]) : undefined;
}

/** True where a namespace is bound on the file. */
export function isPinned(file: string): boolean {
  try {
    return statfsSync(file).type === NSFS_MAGIC;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw error;
  }
}

/** The namespace that is pinned on a file; undefined where none is. */
export function readPinnedId(file: string): number | undefined {
  return isPinned(file) ? statSync(file).ino : undefined;
}
