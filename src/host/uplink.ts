// Starts and ends the process that brings a user's pod to the network. It is nobody's child but the reaper's, so that it
// outlives its supervisor and its end is told like any other.

import { existsSync, mkdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { PeapodError } from "../base/errors.ts";
import { readTextIfAny } from "../base/files.ts";
import { swiftCall } from "../base/swift-call.ts";
import { makePastaArgs, makeSlirpArgs, makeSlirpRequests, type PlannedUplink } from "../plan/uplink.ts";
import { readCommandLine, readProcess, signalProcess } from "./processes.ts";
import { TOOL_ENVIRONMENT } from "./tool-error.ts";

const START_MS = 20_000;
const ASK_MS = 5_000;

export interface UplinkProcess {
  readonly pid: number;
  readonly startTime: number;
}

/** The one that runs, as its pid file says; it must be a process that was given a path of this very pod. */
export function readUplink(dir: string): UplinkProcess | undefined {
  const pid = Number(readTextIfAny(join(dir, "pid"))?.trim() || Number.NaN);
  const found = pid > 1 ? readProcess(pid) : undefined;
  if (found === undefined || found.state === "Z" || !isUplinkOf(pid, dir)) return undefined;
  return { pid, startTime: found.startTime };
}

export function isUplinkOf(pid: number, dir: string): boolean {
  const [program = "", ...words] = readCommandLine(pid) ?? [];
  return /^(pasta|slirp4netns)/.test(basename(program)) && words.some((word) => word.startsWith(`${dirname(dir)}/`));
}

/**
 * Returns once packets flow. One that runs already is the answer.
 * @throws HOST_LACKS with the program's own words, TIMED_OUT
 */
export async function startUplink(uplink: PlannedUplink): Promise<UplinkProcess> {
  const there = readUplink(uplink.dir);
  if (there !== undefined) return there;
  mkdirSync(uplink.dir, { recursive: true, mode: 0o700 });
  for (const name of ["pid", "ready", "api"]) rmSync(join(uplink.dir, name), { force: true });
  const pid = await (uplink.kind === "pasta" ? startPasta : startSlirp)(uplink);
  const startTime = readProcess(pid)?.startTime;
  if (startTime === undefined) throw makeError(uplink, "ended at once");
  if (uplink.kind === "slirp4netns" && uplink.ports.length > 0) {
    // It says that it is ready, and makes its socket after that.
    for (const end = Date.now() + ASK_MS; !existsSync(join(uplink.dir, "api")) && Date.now() < end; ) await sleep(2);
    for (const request of makeSlirpRequests(uplink)) await askSlirp(uplink, request);
  }
  return { pid, startTime };
}

/** False where none ran. Whoever waits for its end looks for it in the exits. */
export function endUplink(dir: string): UplinkProcess | undefined {
  const there = readUplink(dir);
  if (there !== undefined) signalProcess(there.pid, there.startTime, "SIGKILL");
  return there;
}

async function startPasta(uplink: PlannedUplink): Promise<number> {
  const { program } = uplink;
  const done = await swiftCall({ program, args: makePastaArgs(uplink), env: TOOL_ENVIRONMENT, timeoutMs: START_MS });
  if (done.exitCode !== 0) throw makeError(uplink, done.startError ?? done.stderr);
  return readPid(uplink);
}

async function startSlirp(uplink: PlannedUplink): Promise<number> {
  const { program, dir } = uplink;
  // By a shell that ends at once, so that the reaper adopts it.
  const script = '"$0" "$@" 3>"$dir/ready" >"$dir/words" 2>&1 & echo $! >"$dir/pid"';
  const args = ["-c", script, program, ...makeSlirpArgs(uplink)];
  const env = { ...TOOL_ENVIRONMENT, dir };
  const done = await swiftCall({ program: "sh", args, env, timeoutMs: START_MS });
  if (done.exitCode !== 0) throw makeError(uplink, done.startError ?? done.stderr);
  const pid = readPid(uplink);
  for (const end = Date.now() + START_MS; readTextIfAny(join(dir, "ready")) === ""; await sleep(2)) {
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

function makeError({ kind }: PlannedUplink, words: string): PeapodError {
  const last = words
    .trim()
    .split("\n")
    .filter((line) => !/syslog/.test(line))
    .slice(-3)
    .join(" ");
  return new PeapodError("HOST_LACKS", `network ${kind}: ${last || "could not be started"}`, { detail: { words } });
}
