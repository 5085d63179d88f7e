// What lies in a test's store of images, and who works on it.

import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { PeapodHost } from "./peapod-host.ts";

export function storeOf(host: PeapodHost): string {
  return join(host.root, "images");
}

/** All files of the store, but for what unpacked images hold. */
export function filesOf(host: PeapodHost): string[] {
  return filesBelow(storeOf(host)).filter((name) => !name.includes("/rootfs/"));
}

/** Files and links. */
export function filesBelow(dir: string): string[] {
  if (!existsSync(dir)) return [];
  const names = readdirSync(dir, { recursive: true, encoding: "utf8" });
  return names.filter((name) => !isDirectory(join(dir, name)));
}

/** Programs that pull or unpack into this store, as `PID WORDS...`. */
export function toolsOf(host: PeapodHost): string[] {
  return readCommandLines()
    .filter(({ words }) => ["setpriv", "skopeo", "umoci", "tar"].includes(basename(words[0] ?? "")))
    .filter(({ words }) => words.some((word) => word.includes(storeOf(host))))
    .map(({ pid, words }) => `${pid} ${words.join(" ")}`);
}

/** Of all processes. */
export function readCommandLines(): { readonly pid: number; readonly words: readonly string[] }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return [{ pid: Number(name), words: readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0") }];
      } catch {
        // It has ended this instant.
        return [];
      }
    });
}

/** What is being pulled comes and goes. */
function isDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? true;
}
