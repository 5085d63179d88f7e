// Mounts on the host's side: the containers' overlays, tmpfs volumes, shared memory. One mount(8) for all of them (three
// overlays take 4 ms so, 8 ms one by one) and one umount(8). Touches nothing that is not named or below a named directory.

import { chmodSync, chownSync, mkdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { asPeapodError, errnoOf, PeapodError } from "../base/errors.ts";
import { swiftCall } from "../base/swift-call.ts";
import { makeUuid } from "../base/unique.ts";
import type { HostMount } from "../plan/plan.ts";
import { makeMountError } from "./mount-error.ts";
import { makeUnmountOrder, readMountTable } from "./mount-table.ts";
import { makeToolError, TOOL_ENVIRONMENT } from "./tool-error.ts";

const TIMEOUT_MS = 30_000;
/** Before each further try on a busy mount; after the last it is taken off the tree (umount2(2), MNT_DETACH). */
const BUSY_PAUSES_MS = [0, 2, 10, 40, 150, 400];

/**
 * Mounts what is not mounted yet, in order, after making the directories that each needs.
 * @throws HOST_LACKS (a file system that this kernel has not), NOT_FOUND (a layer), OUT_OF_RESOURCES, NOT_PERMITTED
 */
export async function mountAll(mounts: readonly HostMount[]): Promise<void> {
  const there = new Set(readMountTable().map((mount) => mount.target));
  const missing = mounts.filter((mount) => !there.has(realPathOf(mount.target) ?? mount.target));
  const [first] = missing;
  if (first === undefined) return;
  for (const mount of missing) makeDirectories(mount);
  // A file, not /dev/stdin: Node's pipes to children are sockets, which nobody can open by path.
  const fstab = `${dirname(first.target)}/fstab.${makeUuid()}`;
  try {
    writeFileSync(fstab, missing.map(formatFstabLine).join(""), { mode: 0o600, flag: "wx" });
    const done = await swiftCall({
      program: "mount",
      args: ["--all", "--fstab", fstab],
      env: TOOL_ENVIRONMENT,
      timeoutMs: TIMEOUT_MS,
    });
    if (done.startError !== undefined || done.timedOut) throw makeToolError("mounts", "mount", "mount", done);
    if (done.exitCode !== 0) throw makeMountError(missing, done.stderr);
  } catch (error) {
    throw asPeapodError(error, `mount ${first.target}`);
  } finally {
    rmSync(fstab, { force: true });
  }
}

/** One line of fstab(5). */
export function formatFstabLine({ source, target, type, options }: HostMount): string {
  const list = options.map((option) => (type === "overlay" ? escapeCommas(option) : option)).join(",");
  return `${[source, target, type, list || "defaults"].map(escapeField).join(" ")} 0 0\n`;
}

/**
 * Unmounts everything at or below a directory, deepest first, in one umount(8).
 * @returns what stayed busy and was only taken off the tree: it goes when its last user goes
 */
export async function unmountBelow(
  dir: string,
  isKept: (path: string) => boolean = () => false,
): Promise<readonly string[]> {
  const real = realPathOf(dir);
  if (real === undefined) return [];
  // As it was named, whatever links lead there.
  const isMeant = (target: string) => !isKept(`${dir}${target.slice(real.length)}`);
  return unmount(() => makeUnmountOrder(readMountTable(), real).filter(isMeant));
}

/**
 * Unmounts until nothing is left, with short pauses where something is busy.
 * @param left asks the kernel what is still to be unmounted, in order
 */
export async function unmount(left: () => readonly string[]): Promise<readonly string[]> {
  for (const pauseMs of BUSY_PAUSES_MS) {
    if (pauseMs > 0) await sleep(pauseMs);
    const targets = left();
    if (targets.length === 0) return [];
    const done = await umount(targets);
    // Of two mounts on one point umount(8) may take both with the first: that its second complains is no failure.
    if (done.exitCode === 0) return [];
  }
  const targets = left();
  if (targets.length === 0) return [];
  const done = await umount(["--lazy", ...targets]);
  const stays = left()[0];
  if (stays !== undefined) throw makeToolError(`mount ${stays}`, "umount", "mount", done);
  return targets;
}

async function umount(args: readonly string[]) {
  const done = await swiftCall({ program: "umount", args, env: TOOL_ENVIRONMENT, timeoutMs: TIMEOUT_MS });
  if (done.startError !== undefined) throw makeToolError("mounts", "umount", "mount", done);
  return done;
}

/** What is there already gets its mode and owner again: a call before us may have died between the two. */
function makeDirectories(mount: HostMount): void {
  try {
    for (const { path, mode, uid, gid } of mount.directories) {
      mkdirSync(path, { recursive: true, mode });
      chmodSync(path, mode);
      if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid);
    }
    mkdirSync(mount.target, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw asPeapodError(error, `mount ${mount.target}`);
  }
}

/** A comma in a path: mount(8) and overlay both take it with a backslash before it. */
function escapeCommas(option: string): string {
  return option.replaceAll(/(?<!\\),/g, "\\,");
}

function escapeField(text: string): string {
  if (text === "") throw new PeapodError("BUG", "mount: a field is empty");
  return text.replaceAll(/[\s\\#]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`);
}

/** The mount table knows no symlinks. */
function realPathOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
