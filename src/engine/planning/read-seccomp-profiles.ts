// The files behind `localhostProfile`, checked: each error names the file, and the place in it.

import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { constants as osConstants } from "node:os";
import { join } from "node:path";
import { asPeapodError, errnoOf, PeapodError } from "../../base/errors.ts";
import { makeSeccompDir } from "../../base/paths.ts";
import { validate } from "../../base/validate.ts";
import type { Manifest } from "../../manifest/manifest.ts";
import type { SeccompProfile } from "../../plan/seccomp-filter.ts";
import { securityPointer } from "../../plan/security-pointer.ts";
import { makePlace } from "../../plan/where.ts";

/** Docker's own has 20 KB. */
const MAX_BYTES = 1024 * 1024;
const MOST_FAULTS = 5;

/**
 * Each by its relative path; looked for beside the manifest, where a pod that travels keeps it, and then where a
 * machine's are kept.
 * @throws NOT_FOUND, BAD_MANIFEST
 */
export function readSeccompProfiles(manifest: Manifest, root: string): ReadonlyMap<string, SeccompProfile> {
  const found = new Map<string, SeccompProfile>();
  manifest.spec.containers.forEach(({ name, securityContext: { seccompProfile } }, index) => {
    if (seccompProfile?.type !== "Localhost" || found.has(seccompProfile.localhostProfile)) return;
    const path = seccompProfile.localhostProfile;
    const place = makePlace(manifest.source, securityPointer(manifest, index, "seccompProfile", "localhostProfile"));
    const dirs = [manifest.source.baseDir, makeSeccompDir(root)];
    for (const dir of dirs) {
      const text = readIfAny(join(dir, path), place);
      if (text !== undefined) found.set(path, parseProfile(text, join(dir, path), place));
      if (text !== undefined) return;
    }
    throw new PeapodError("NOT_FOUND", `container ${name}: seccomp profile ${path} does not exist (${place})`, {
      hint: `it is looked for in ${dirs.join(" and ")}`,
    });
  });
  return found;
}

function readIfAny(file: string, place: string): string | undefined {
  const fault = (what: string) => new PeapodError("BAD_MANIFEST", `seccomp profile ${file}: ${what} (${place})`);
  let fd: number | undefined;
  try {
    // Not waiting for the other end of a FIFO.
    fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const found = fstatSync(fd);
    if (!found.isFile()) throw fault("is not a plain file");
    if (found.size > MAX_BYTES) throw fault(`is larger than ${MAX_BYTES} bytes`);
    return readFileSync(fd, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return undefined;
    throw asPeapodError(error, `seccomp profile ${file} (${place})`);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** @throws BAD_MANIFEST */
export function parseProfile(text: string, file: string, place: string): SeccompProfile {
  const fault = (what: string) => new PeapodError("BAD_MANIFEST", `seccomp profile ${file}${what} (${place})`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw fault(`${positionIn(text)}: is not JSON`);
  }
  const violations = validate("seccomp-profile", value);
  if (violations.length > 0) {
    const all = violations.slice(0, MOST_FAULTS).map(({ pointer, message }) => `${pointer || "it"} ${message}`);
    const more = violations.length - all.length;
    throw fault(`: ${all.join("; ")}${more > 0 ? `; and ${more} more` : ""}`);
  }
  const profile = value as SeccompProfile;
  for (const [pointer, name] of errnoNames(profile)) {
    if (name && !(name in osConstants.errno)) throw fault(`: ${pointer} must be the name of an error, is ${name}`);
  }
  return profile;
}

function errnoNames({ defaultErrno, syscalls }: SeccompProfile): [pointer: string, name: string | undefined][] {
  return [
    ["/defaultErrno", defaultErrno],
    ...(syscalls ?? []).map(({ errno }, index): [string, string | undefined] => [`/syscalls/${index}/errno`, errno]),
  ];
}

/** `:3:14`, where the text stops being the beginning of any JSON; V8 does not always tell. */
function positionIn(text: string): string {
  let [good, bad] = [0, text.length + 1];
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (middle <= text.length && isBeginning(text.slice(0, middle))) good = middle;
    else bad = middle;
  }
  const before = text.slice(0, good);
  return `:${before.split("\n").length}:${good - before.lastIndexOf("\n")}`;
}

function isBeginning(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    const { message } = error as Error;
    const offset = / position (\d+)/.exec(message)?.[1];
    return offset === undefined ? /end of JSON input/.test(message) : Number(offset) >= text.length;
  }
}
