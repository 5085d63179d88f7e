// Starts and ends the process that brings a user's pod to the network. It is nobody's child but the reaper's, so that it
// outlives its supervisor and its end is told like any other.

import { existsSync, mkdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { CallResult } from "../base/call.ts";
import { PeapodError } from "../base/errors.ts";
import { readTextIfAny, writeFileAtomic } from "../base/files.ts";
import { swiftCall } from "../base/swift-call.ts";
import { makePastaArgs, makeSlirpArgs, makeSlirpRequests, type PlannedUplink } from "../plan/uplink.ts";
import { isSameProcess, readCommandLine, readPids, readProcess, signalProcess } from "./processes.ts";
import { TOOL_ENVIRONMENT } from "./tool-error.ts";

const START_MS = 20_000;
const ASK_MS = 5_000;
const END_MS = 5_000;
/** Pid and start time of the one that is ready, with all its ports. Its own pid file comes sooner, or too late. */
const CARRIES = "carries";

export interface UplinkProcess {
  readonly pid: number;
  readonly startTime: number;
}

/** The one that carries; one that was only half started, by a supervisor that died over it, is none. */
export function readUplink(dir: string): UplinkProcess | undefined {
  const [pid = 0, startTime = 0] = (readTextIfAny(join(dir, CARRIES)) ?? "").trim().split(" ").map(Number);
  return pid > 1 && isSameProcess(pid, startTime) && isUplinkOf(pid, dir) ? { pid, startTime } : undefined;
}

/** A process that was given a path of this very pod. */
export function isUplinkOf(pid: number, dir: string): boolean {
  const [program = "", ...words] = readCommandLine(pid) ?? [];
  return isUplinkProgram(program) && words.some((word) => word.startsWith(`${dirname(dir)}/`));
}

/** pasta becomes pasta.avx2 where it can. */
export function isUplinkProgram(path: string): boolean {
  return /^(pasta|slirp4netns)(\.avx2)?$/.test(basename(path));
}

/**
 * Returns once packets flow. One that runs already is the answer.
 * @throws HOST_LACKS with the program's own words, TIMED_OUT
 */
export async function startUplink(uplink: PlannedUplink): Promise<UplinkProcess> {
  const there = readUplink(uplink.dir);
  if (there !== undefined) return there;
  if (existsSync(uplink.dir)) await endUplink(uplink.dir);
  mkdirSync(uplink.dir, { recursive: true, mode: 0o700 });
  for (const name of [CARRIES, "pid", "ready", "api"]) rmSync(join(uplink.dir, name), { force: true });
  const pid = await (uplink.kind === "pasta" ? startPasta : startSlirp)(uplink);
  const startTime = readProcess(pid)?.startTime;
  if (startTime === undefined) throw makeError(uplink, "ended at once");
  if (uplink.kind === "slirp4netns" && uplink.ports.length > 0) {
    // It says that it is ready, and makes its socket after that.
    for (const end = Date.now() + ASK_MS; !existsSync(join(uplink.dir, "api")) && Date.now() < end; ) await sleep(2);
    for (const request of makeSlirpRequests(uplink)) await askSlirp(uplink, request);
  }
  writeFileAtomic(join(uplink.dir, CARRIES), `${pid} ${startTime}\n`, 0o600);
  return { pid, startTime };
}

/** Resolves when none of this pod's is there any more, nor any that was started and not written down. */
export async function endUplink(dir: string): Promise<void> {
  const deadline = Date.now() + END_MS;
  // While one carries there is no other.
  const there = readUplink(dir);
  for (let found = there === undefined ? listUplinks(dir) : [there]; found.length > 0; found = listUplinks(dir)) {
    for (const { pid, startTime } of found) signalProcess(pid, startTime, "SIGKILL");
    while (found.some(({ pid, startTime }) => isSameProcess(pid, startTime))) {
      if (Date.now() > deadline) return;
      await sleep(2);
    }
  }
}

function listUplinks(dir: string): UplinkProcess[] {
  return readPids().flatMap((pid) => {
    if (!isUplinkOf(pid, dir)) return [];
    const found = readProcess(pid);
    return found === undefined || found.state === "Z" ? [] : [{ pid, startTime: found.startTime }];
  });
}

async function startPasta(uplink: PlannedUplink): Promise<number> {
  const { program } = uplink;
  const done = await swiftCall({ program, args: makePastaArgs(uplink), env: TOOL_ENVIRONMENT, timeoutMs: START_MS });
  if (done.exitCode !== 0) throw makeError(uplink, tellEnd(done));
  return readPid(uplink);
}

async function startSlirp(uplink: PlannedUplink): Promise<number> {
  const { program, dir } = uplink;
  // By a shell that ends at once, so that the reaper adopts it.
  const script = '"$0" "$@" 3>"$dir/ready" >"$dir/words" 2>&1 & echo $! >"$dir/pid"';
  const args = ["-c", script, program, ...makeSlirpArgs(uplink)];
  const env = { ...TOOL_ENVIRONMENT, dir };
  const done = await swiftCall({ program: "sh", args, env, timeoutMs: START_MS });
  if (done.exitCode !== 0) throw makeError(uplink, tellEnd(done));
  const pid = readPid(uplink);
  // The file is made by the shell's child, perhaps only now.
  for (const end = Date.now() + START_MS; (readTextIfAny(join(dir, "ready")) ?? "") === ""; await sleep(2)) {
    const state = readProcess(pid)?.state;
    if (state === undefined || state === "Z") throw makeError(uplink, readTextIfAny(join(dir, "words")) ?? "");
    if (Date.now() > end) throw new PeapodError("TIMED_OUT", `network ${uplink.kind}: did not get ready`);
  }
  return pid;
}

function readPid({ kind, dir }: PlannedUplink): number {
  const pid = Number(readTextIfAny(join(dir, "pid"))?.trim() || Number.NaN);
  if (Number.isSafeInteger(pid) && pid > 1) return pid;
  throw new PeapodError("HOST_LACKS", `network ${kind}: told no pid`);
}

/** One request a connection. */
function askSlirp(uplink: PlannedUplink, request: object): Promise<void> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(join(uplink.dir, "api"), () => socket.end(JSON.stringify(request)));
    socket.setEncoding("utf8").setTimeout(ASK_MS, () => socket.destroy(new Error("does not answer")));
    socket.on("data", (text: string) => {
      answer += text;
    });
    socket.on("error", (error) => reject(makeError(uplink, error.message)));
    socket.on("close", () => (/"error"/.test(answer) ? reject(makeError(uplink, answer)) : resolve()));
  });
}

function tellEnd({ startError, signal, stderr }: CallResult): string {
  return startError ?? (signal === undefined ? stderr : `was ended by ${signal} before it was ready`);
}

function makeError({ kind }: PlannedUplink, words: string): PeapodError {
  const last = words
    .trim()
    .split("\n")
    .filter((line) => !/syslog/.test(line))
    .slice(-3)
    .join(" ");
  return new PeapodError("HOST_LACKS", `network ${kind}: ${last || "could not be started"}`, { detail: { words } });
}
