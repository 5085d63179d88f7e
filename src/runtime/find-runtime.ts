// Which program is the runtime, and what can it do? Asking it for its version costs as much as a tenth of a pod's start,
// so the answer is kept for as long as the file is the same.

import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import { PeapodError } from "../base/errors.ts";
import { makeDir, readTextIfAny, writeJsonAtomic } from "../base/files.ts";
import type { RuntimeChoice } from "../plan/plan.ts";

const VERSION_MS = 10_000;

/**
 * @param name `runc`, `crun` or a path
 * @param cacheDir where the version is remembered; that it cannot be written is no failure
 * @throws RUNTIME_MISSING, RUNTIME_FAILED where it is no OCI runtime
 */
export async function findRuntime(name: string, cacheDir: string): Promise<RuntimeChoice> {
  const path = findProgram(name);
  const { size, mtimeMs, ino } = statSync(path);
  const stamp = `${path} ${size} ${mtimeMs} ${ino}`;
  const cache = join(cacheDir, "runtimes.json");
  const known = readCache(cache);
  const remembered = known[stamp];
  if (remembered) return remembered;
  const choice = await askVersion(path);
  try {
    makeDir(cacheDir);
    writeJsonAtomic(cache, { ...known, [stamp]: choice });
  } catch {
    // It is asked again next time.
  }
  return choice;
}

function findProgram(name: string): string {
  const candidates = name.includes("/")
    ? [isAbsolute(name) ? name : resolve(name)]
    : (process.env.PATH ?? "/usr/sbin:/usr/bin:/sbin:/bin").split(delimiter).map((dir) => join(dir, name));
  for (const candidate of candidates) {
    try {
      accessSync(candidate, constants.X_OK);
      if (statSync(candidate).isFile()) return candidate;
    } catch {
      // The next directory.
    }
  }
  throw new PeapodError("RUNTIME_MISSING", `runtime ${name}: there is no such program`, {
    hint: "install runc (apt-get install runc), or name another with --runtime",
  });
}

/** `runc version 1.1.5+ds1`, `crun version 1.8.1`: the first line of both. */
async function askVersion(path: string): Promise<RuntimeChoice> {
  const { call } = await import("../base/call.ts");
  const result = await call({ program: path, args: ["--version"], timeoutMs: VERSION_MS });
  const [, kind, version] = /^(runc|crun) version (\S+)/m.exec(result.stdout) ?? [];
  if (version !== undefined && (kind === "runc" || kind === "crun")) return { kind, path, version };
  if (result.startError !== undefined) {
    throw new PeapodError("RUNTIME_MISSING", `runtime ${path}: cannot be run (${result.startError})`, {
      detail: result,
    });
  }
  if (result.timedOut) throw new PeapodError("TIMED_OUT", `runtime ${path}: does not answer --version`);
  throw new PeapodError("RUNTIME_FAILED", `runtime ${path}: does not say that it is runc or crun`, {
    detail: result,
    hint: "it must answer --version with `runc version …` or `crun version …`",
  });
}

function readCache(path: string): Readonly<Record<string, RuntimeChoice>> {
  try {
    return JSON.parse(readTextIfAny(path) ?? "{}") as Readonly<Record<string, RuntimeChoice>>;
  } catch {
    return {};
  }
}
