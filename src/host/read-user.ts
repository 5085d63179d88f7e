// What a user's own namespaces allow, from /proc and the cgroup file system. Starts no program.

import { accessSync, constants, readFileSync } from "node:fs";
import { readTextIfAny } from "../base/files.ts";
import type { UserFacts } from "./facts.ts";
import { readCgroupLines } from "./processes.ts";

/** All ids there are: who has them is in no user namespace but the machine's. */
const ALL_IDS = 4_294_967_295;

/** Undefined in the machine's own user namespace. `unified`: where cgroup version 2 alone is mounted. */
export function readUserFacts(unified: string | undefined): UserFacts | undefined {
  const uids = parseIdMap(readFileSync("/proc/self/uid_map", "utf8"));
  if (uids.count >= ALL_IDS) return undefined;
  const gids = parseIdMap(readFileSync("/proc/self/gid_map", "utf8"));
  const cgroup = unified === undefined ? undefined : findOwnCgroup(unified);
  return {
    ...{ uid: uids.own, uids: uids.count, gids: gids.count },
    ...(cgroup === undefined ? {} : { cgroup }),
    // Only on the way up.
    get uplinks() {
      return Object.fromEntries(["pasta", "slirp4netns"].flatMap((name) => findProgram(name)));
    },
    get hasTun() {
      return isAllowed("/dev/net/tun", constants.R_OK | constants.W_OK);
    },
    get firstPort() {
      return Number(readTextIfAny("/proc/sys/net/ipv4/ip_unprivileged_port_start")?.trim() || 1024);
    },
  };
}

/** Lines of `inside outside count`: who 0 is outside, and how many ids there are from 0 on. */
export function parseIdMap(text: string): { readonly own: number; readonly count: number } {
  const lines = text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => line.trim().split(/\s+/).map(Number))
    .sort(([a = 0], [b = 0]) => a - b);
  let count = 0;
  for (const [inside, , size = 0] of lines) if (inside === count) count += size;
  return { own: lines[0]?.[1] ?? 0, count };
}

/**
 * The cgroup below which ours can be made, as a path inside the hierarchy: empty for all of it (a container's own tree).
 * peapod-rootless has moved us to a leaf below what was handed down, since a cgroup with processes in it has no children
 * with controllers.
 */
function findOwnCgroup(unified: string): string | undefined {
  if (isWritable(unified)) return "";
  const own = readCgroupLines("self")?.find(({ controllers }) => controllers === "")?.path ?? "/";
  const base = own.replace(/\/peapod-commands$/, "");
  return base !== "/" && isWritable(`${unified}${base}`) ? base : undefined;
}

/** All three: a directory may be ours by accident, and its processes not. */
function isWritable(dir: string): boolean {
  return ["", "/cgroup.procs", "/cgroup.subtree_control"].every((name) => isAllowed(dir + name, constants.W_OK));
}

function findProgram(name: string): [string, string][] {
  const dirs = (process.env.PATH ?? "").split(":").filter((dir) => dir.startsWith("/"));
  const found = dirs.map((dir) => `${dir}/${name}`).find((path) => isAllowed(path, constants.X_OK));
  return found === undefined ? [] : [[name, found]];
}

function isAllowed(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
