// The program that puts processes on disk and takes them up again: where it is, whether it can work on this kernel, and how
// a runtime's call is told what the runtime itself has no flag for.

import { accessSync, constants } from "node:fs";
import { release } from "node:os";
import { basename, delimiter, dirname, join } from "node:path";
import { PeapodError } from "../base/errors.ts";
import { findCriuReason } from "./criu-log.ts";

export interface CriuChoice {
  readonly path: string;
  /** `4.1.1`. */
  readonly version: string;
}

const CHECK_MS = 60_000;
/** Who began us may know fewer places than root's shell does. */
const USUAL_DIRS = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/**
 * @param path instead of the first `criu` on the PATH
 * @throws HOST_LACKS where there is none, or its own check says that it cannot work here; BAD_USAGE for another name
 */
export async function findCriu(path: string | undefined): Promise<CriuChoice> {
  // Runtimes look for it by this name, so another one would be checked here and not be used there.
  if (path !== undefined && basename(path) !== "criu")
    throw new PeapodError("BAD_USAGE", `criu ${path}: the program must be called criu`);
  const found = path ?? findOnPath();
  if (found === undefined || !isProgram(found)) {
    throw new PeapodError("HOST_LACKS", `criu${path === undefined ? "" : ` ${path}`}: there is no such program`, {
      hint: "checkpoints are made by CRIU: install it (apt-get install criu), version 4.1 or later on Linux 6.13 or later",
    });
  }
  const { call } = await import("../base/call.ts");
  const told = await call({ program: found, args: ["--version"], timeoutMs: CHECK_MS });
  const version = /^Version: (\S+)/m.exec(told.stdout)?.[1];
  if (version === undefined) throw new PeapodError("HOST_LACKS", `criu ${found}: does not say which version it is`);
  const checked = await call({ program: found, args: ["check"], timeoutMs: CHECK_MS });
  if (checked.exitCode === 0) return { path: found, version };
  const reason = findCriuReason(checked.stderr + checked.stdout) ?? "its check fails, and says not why";
  throw new PeapodError("HOST_LACKS", `criu ${version}: cannot work on this kernel, Linux ${release()}: ${reason}`, {
    detail: checked,
    hint: `${found} check tells more; a later CRIU may know this kernel`,
  });
}

function findOnPath(): string | undefined {
  const dirs = [...(process.env.PATH ?? "").split(delimiter).filter((dir) => dir !== ""), ...USUAL_DIRS];
  return dirs.map((dir) => join(dir, "criu")).find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** For a call of the runtime: this CRIU before any other, with what a file says besides. See criu(8), CONFIGURATION FILES. */
export function makeCriuEnv({ path }: CriuChoice, config: string): Readonly<Record<string, string>> {
  return {
    PATH: [dirname(path), process.env.PATH ?? USUAL_DIRS.join(delimiter)].join(delimiter),
    CRIU_CONFIG_FILE: config,
  };
}

/**
 * @param external what the container has open and lives outside of it
 * @param isAlone its network is the pod's own, whose processes all stand still: nothing has to be kept from them
 */
export function makeDumpConfig({ version }: CriuChoice, external: readonly string[], isAlone: boolean): string {
  const canSkip = isAlone && isAtLeast(version, 3, 19);
  return toLines([...external.map((id) => `external ${id}`), ...(canSkip ? ["network-lock skip"] : [])]);
}

/** `inherited`: by which of the call's own descriptors each is to be found. Nobody runs before all are there. */
export function makeRestoreConfig(inherited: readonly { readonly id: string; readonly fd: number }[]): string {
  return toLines([...inherited.map(({ id, fd }) => `inherit-fd fd[${fd}]:${id}`), "leave-stopped"]);
}

/** How CRIU names an open file that is none of the container's: its mount and its inode, both in hexadecimal. */
export function makeExternalId(mountId: number, inode: number): string {
  return `file[${mountId.toString(16)}:${inode.toString(16)}]`;
}

function isAtLeast(version: string, major: number, minor: number): boolean {
  const [ours = 0, minors = 0] = version.split(".").map((part) => Number.parseInt(part, 10));
  return ours > major || (ours === major && minors >= minor);
}

function toLines(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}
