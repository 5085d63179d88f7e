// What a caller asks of the supervisor that it has started, handed over without a trace: a manifest from standard input may
// hold Secrets, and a command line is everybody's to read. The text lies in a file without a name in memory, which the
// supervisor opens through its caller's descriptor; it is gone with the caller.

import { closeSync, openSync, readFileSync, unlinkSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { errnoOf } from "../../base/errors.ts";
import { makeUuid } from "../../base/unique.ts";

/** A tmpfs on every Linux. */
const MEMORY = "/dev/shm";

export interface HeldText {
  /** Another process of ours can read it here as long as it is held. */
  readonly path: string;
  release(): void;
}

export function holdText(text: string): HeldText {
  const fd = openNameless();
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
  return { path: `/proc/${process.pid}/fd/${fd}`, release: () => closeSync(fd) };
}

/** @throws Error where the caller is gone */
export function readHeldText(path: string): string {
  return readFileSync(path, "utf8");
}

function openNameless(): number {
  try {
    return openAndUnlink(MEMORY);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT" && errnoOf(error) !== "ENOTDIR") throw error;
    return openAndUnlink(tmpdir());
  }
}

function openAndUnlink(dir: string): number {
  const path = `${dir}/peapod-${makeUuid()}`;
  const fd = openSync(path, "wx+", 0o600);
  unlinkSync(path);
  return fd;
}
