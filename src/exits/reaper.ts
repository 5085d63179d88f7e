// Talking to a pod's reaper: the first supervisor tells it where the pod lives, others find out whether it is there,
// and a pod that lost its own gets a new one. See reaper.c for the other end.

import { readFileSync, readlinkSync, readSync, realpathSync, writeSync } from "node:fs";
import { join } from "node:path";
import { getSystemErrorName } from "node:util";
import { asPeapodError, errnoOf, PeapodError } from "../base/errors.ts";
import { readTextIfAny } from "../base/files.ts";

/** linux/prctl.h, PR_SET_NAME; what /proc/PID/comm shows. */
const NAME = "peapod-reaper";
const ADOPT_MS = 10_000;

/**
 * Tells the reaper the pod's directory over the settle descriptor. Afterwards `exits` and `reaper.pid` are there and
 * the control socket listens as `control.sock`. May be called again after a failure.
 * @throws ALREADY_EXISTS where another reaper holds the directory, SUPERVISOR_GONE where it died; NOT_PERMITTED, OUT_OF_RESOURCES, BUG by errno
 */
export async function settle(fd: number, dir: string): Promise<void> {
  const answer = ask(fd, `${dir}\n`);
  if (answer === "ok") return;
  const errno = Number.parseInt(answer, 10);
  if (Number.isNaN(errno)) throw new PeapodError("SUPERVISOR_GONE", `${dir}: its reaper was killed`);
  const name = getSystemErrorName(-errno);
  if (name === "EAGAIN") throw new PeapodError("ALREADY_EXISTS", `${dir}: another reaper is settled there`);
  const cause = Object.assign(new Error(`its reaper cannot settle there: ${answer}`), { code: name });
  throw asPeapodError(cause, dir);
}

/** Empty where nobody is there any more. */
function ask(fd: number, text: string): string {
  try {
    writeSync(fd, text);
    return readLine(fd);
  } catch (error) {
    if (["EPIPE", "ECONNRESET"].includes(errnoOf(error) ?? "")) return "";
    throw error;
  }
}

/** Blocks, for microseconds: the reaper does nothing else. */
function readLine(fd: number): string {
  const byte = Buffer.alloc(1);
  let text = "";
  while (readSync(fd, byte, 0, 1, null) === 1) {
    if (byte[0] === 10) return text;
    text += byte.toString("latin1");
  }
  return text;
}

/** The pid that the pod's last reaper wrote down, be it alive or not. */
export function readReaperPid(podDir: string): number | undefined {
  const pid = Number(readTextIfAny(join(podDir, "reaper.pid")) ?? Number.NaN);
  return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
}

/** A process of that pid counts only if it has a reaper's name and has settled in this very directory. */
export function isReaperAlive(podDir: string): boolean {
  const pid = readReaperPid(podDir);
  if (pid === undefined) return false;
  try {
    if (readFileSync(`/proc/${pid}/comm`, "latin1").trimEnd() !== NAME) return false;
    // A zombie has no working directory any more.
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(podDir);
  } catch (error) {
    const errno = errnoOf(error);
    // Somebody else's reaper: its name has to do.
    if (errno === "EACCES" || errno === "EPERM") return true;
    if (errno === "ENOENT" || errno === "ESRCH" || errno === "ENOTDIR") return false;
    throw error;
  }
}

export interface WatchedProcess {
  readonly pid: number;
  /** Clock ticks after boot, field 22 of proc_pid_stat(5); 0: unknown. */
  readonly startTime: number;
}

export interface AdoptRequest {
  /** Path of the reaper's program. */
  readonly reaper: string;
  readonly dir: string;
  readonly node: string;
  readonly script: string;
  readonly watched: readonly WatchedProcess[];
  /**
   * No supervisor is started before this process ended. A supervisor that has a new reaper made for its own pod
   * names itself and then ends, so that never two are at work.
   */
  readonly after?: number;
}

/**
 * Starts a reaper for a pod whose own died; it starts a supervisor. It records the ends of the watched processes as the
 * kernel tells them, `lost` where that cannot be known.
 * @throws ALREADY_EXISTS where the pod has a reaper (again), HOST_LACKS where the program is not there, TIMED_OUT, BUG
 */
export async function adoptPod(request: AdoptRequest): Promise<void> {
  const { call } = await import("../base/call.ts");
  const { dir, reaper } = request;
  const after = request.after === undefined ? [] : ["--after", String(request.after)];
  const watched = request.watched.map(({ pid, startTime }) => (startTime > 0 ? `${pid}:${startTime}` : String(pid)));
  const args = ["adopt", dir, request.node, request.script, ...after, "--", ...watched];
  const result = await call({ program: reaper, args, timeoutMs: ADOPT_MS });
  if (result.exitCode === 0) return;
  if (isReaperAlive(dir)) throw new PeapodError("ALREADY_EXISTS", `${dir}: has a reaper already`);
  if (result.startError) throw new PeapodError("HOST_LACKS", `${reaper}: cannot be run (${result.startError})`);
  if (result.timedOut) throw new PeapodError("TIMED_OUT", `${dir}: a new reaper did not settle in ${ADOPT_MS} ms`);
  throw new PeapodError("BUG", `${dir}: a new reaper cannot settle: ${result.stderr.trim()}`, { detail: result });
}
