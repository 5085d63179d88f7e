// The kernel's mount table (proc_pid_mountinfo(5)) as data. Changes nothing.

import { readFileSync } from "node:fs";
import { errnoOf } from "../base/errors.ts";

export interface MountEntry {
  readonly target: string;
  readonly type: string;
  readonly source: string;
  /** Root of the mount within its file system; for namespaces `net:[4026531840]`. */
  readonly root: string;
  readonly options: readonly string[];
  /** Of the file system, not of this mount: `lowerdir=…`, for cgroup v1 the controllers. */
  readonly superOptions: readonly string[];
}

/** All mounts of our mount namespace, in the order in which they were made. */
export function readMountTable(): readonly MountEntry[] {
  return parseMountTable(readFileSync("/proc/self/mountinfo", "utf8"));
}

/** As the process sees it; empty where it has ended, or is not ours to look into. */
export function readMountTableOf(pid: number): readonly MountEntry[] {
  try {
    return parseMountTable(readFileSync(`/proc/${pid}/mountinfo`, "utf8"));
  } catch (error) {
    // EINVAL: a zombie.
    if (["ENOENT", "ESRCH", "EINVAL", "EACCES", "EPERM"].includes(errnoOf(error) ?? "")) return [];
    throw error;
  }
}

export function parseMountTable(text: string): MountEntry[] {
  return text.split("\n").flatMap((line): MountEntry[] => {
    // A varying number of optional fields ends with a lone hyphen.
    const [before, after] = line.split(" - ");
    const [, , , root, target, options] = before?.split(" ") ?? [];
    const [type, source, superOptions] = after?.split(" ") ?? [];
    if (root === undefined || target === undefined || type === undefined || source === undefined) return [];
    return [
      {
        target: unescapeOctal(target),
        type,
        source: unescapeOctal(source),
        root: unescapeOctal(root),
        options: options?.split(",") ?? [],
        superOptions: superOptions?.split(",").map(unescapeOctal) ?? [],
      },
    ];
  });
}

/** Targets at a directory and below it, deepest first; of several on one point the last mounted comes first. */
export function makeUnmountOrder(table: readonly MountEntry[], dir: string): string[] {
  const depth = (path: string) => path.split("/").length;
  return table
    .map((mount) => mount.target)
    .filter((target) => isWithin(target, dir))
    .reverse()
    .sort((a, b) => depth(b) - depth(a));
}

/** `dir` itself or anything below it. */
export function isWithin(path: string, dir: string): boolean {
  return path === dir || path.startsWith(dir === "/" ? "/" : `${dir}/`);
}

/** Space, tab, newline and backslash stand as `\040` and so on; all other characters as they are. */
function unescapeOctal(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
