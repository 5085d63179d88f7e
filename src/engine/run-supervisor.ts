// Runs a supervisor as a process: its inputs are the bell, the control socket and the clock, its end is sleep or the
// end of the pod. Loaded both by the first start (which read the manifest) and by every later one.

import { existsSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../base/log.ts";
import { callThrough, endCaller } from "../base/swift-call.ts";
import { watchBell } from "../exits/bell.ts";
import { ExitInbox } from "../exits/inbox.ts";
import { readHostFacts } from "../host/read-facts.ts";
import type { Plan } from "../plan/plan.ts";
import type { PlannedUplink } from "../plan/uplink.ts";
import { type Journal, openJournal } from "../state/journal.ts";
import { makeFirstOutlines } from "../state/outline.ts";
import type { ContainerIo } from "./container-io.ts";
import type { PodContext } from "./context.ts";
import { crashInto } from "./crash.ts";
import { becomeDegraded, writeSupervisorPid } from "./degraded.ts";
import { IoKeeper } from "./io-keeper.ts";
import { UplinkKeeper } from "./networks/uplink-keeper.ts";
import { openRuntimeOf } from "./open-runtime.ts";
import { makeCallerIo } from "./outer/caller-io.ts";
import { openMembersRuntime } from "./outer/members-runtime.ts";
import { tellResult } from "./outer/outer-result.ts";
import type { Programs } from "./programs.ts";
import { FD } from "./reaper-link.ts";
import { gateRuntime } from "./runtime-gate.ts";
import { Supervisor } from "./supervisor.ts";

/** The reaper takes this exit code for "asleep": it starts a supervisor again when there is something to do. */
const ASLEEP = 75;
/** Milliseconds without anything to do before the supervisor ends itself to give its memory back. */
const IDLE_MS = 1000;
const SHORTEST_SLEEP_MS = 20_000;

export function makeSupervisor(plan: Plan, programs: Programs): Supervisor {
  const { paths } = plan;
  let log: Log | undefined;
  crashInto(paths.supervisorLog);
  writeSupervisorPid(paths.dir);
  const inbox = new ExitInbox(paths.exits);
  const facts = readHostFacts();
  const runtime = openRuntimeOf(plan);
  const report: PodContext["report"] = (error, message) => {
    // pino is not needed on the way up; loaded when there is something to say.
    void import("../base/log.ts").then(({ openLog }) => {
      log ??= openLog(paths.supervisorLog, "info");
      log.error({ err: error }, message);
    });
  };
  const { uplink } = plan.sandbox;
  const journal = openJournal(paths.journal, plan.pod, makeFirstOutlines(plan));
  const context: PodContext = {
    plan,
    facts,
    journal,
    inbox,
    runtime: gateRuntime(openMembersRuntime(runtime, plan, facts, programs.caller)),
    io: makeIo(plan, programs, inbox),
    ...(uplink === undefined ? {} : { uplink: makeUplinkKeeper(plan, uplink, journal, report) }),
    probeProgram: programs.probe,
    reaperProgram: programs.reaper,
    tellResult: (status) => plan.outer && tellResult(plan.outer, status),
    report,
  };
  return new Supervisor(context);
}

function makeUplinkKeeper(plan: Plan, uplink: PlannedUplink, journal: Journal, report: PodContext["report"]) {
  const note = async () => (await import("./networks/uplink-addresses.ts")).noteUplinkAddresses(plan, uplink, journal);
  return new UplinkKeeper(uplink, note, report);
}

/** A pod's only member in a caller's container has the caller's own descriptors. */
function makeIo({ outer, containers, logs, paths }: Plan, programs: Programs, inbox: ExitInbox): ContainerIo {
  if (outer === undefined) return new IoKeeper(programs.io, inbox, { limits: logs, control: paths.socket });
  return containers.length === 1 ? makeCallerIo(outer) : new IoKeeper(programs.io, inbox, { outer });
}

/** Once, before the first call. A helper that died takes us along: the next supervisor waits for the calls it left. */
export function startCaller(programs: Programs): void {
  callThrough(programs.caller, () => {
    throw new Error("peapod-caller died");
  });
}

export interface Running {
  readonly supervisor: Supervisor;
  readonly programs: Programs;
}

/** Listens to the bell: from here on exits are taken in. */
export function attachBell({ supervisor, programs }: Running): void {
  watchBell(
    FD.bell,
    () => {
      if (!supervisor.isOver) supervisor.onExits();
    },
    () => {
      if (supervisor.isOver) process.exit(0);
      void becomeDegraded(supervisor.pod, programs).finally(() => process.exit(1));
    },
  );
  void supervisor.over.then(() => endWhenAnswered());
}

/** Serves the control socket and goes to sleep when nobody asks and nothing happens. */
export async function serve(running: Running): Promise<void> {
  const { supervisor } = running;
  const { startControlServer } = await import("./control/control-server.ts");
  const server = startControlServer(supervisor);
  openConnections = () => server.activeRequests;
  let idleSince = Date.now();
  const isIdle = () =>
    !supervisor.isBusy && server.activeRequests === 0 && !supervisor.isOver && isWorthSleeping(supervisor.wakeAtMs);
  const timer = setInterval(() => {
    if (!isIdle()) idleSince = Date.now();
    else if (Date.now() - idleSince >= IDLE_MS) void fallAsleep(supervisor, isIdle);
  }, IDLE_MS / 4);
  timer.unref();
}

let openConnections = (): number => 0;

/** To begin again costs as much as to stay awake for about that long. */
function isWorthSleeping(wakeAtMs: number | undefined): boolean {
  return wakeAtMs === undefined || wakeAtMs - Date.now() >= SHORTEST_SLEEP_MS;
}

async function fallAsleep({ pod, wakeAtMs }: Supervisor, isIdle: () => boolean): Promise<void> {
  // Left to the reaper, its end would wake us.
  await endCaller();
  if (!isIdle()) return;
  const marker = asleepMarker(pod.plan.paths.dir);
  try {
    writeFileSync(marker, "");
    // The reaper calls us when this time has come.
    if (wakeAtMs !== undefined) utimesSync(marker, wakeAtMs / 1000, wakeAtMs / 1000);
  } catch {
    // Without the marker the next start takes this for a crash, looks closer and finds nothing amiss. Nobody would call us.
    if (wakeAtMs !== undefined) return;
  }
  process.exit(ASLEEP);
}

/** True once, when the last supervisor ended of its own will. */
export function takeAsleepMarker(dir: string): boolean {
  const marker = asleepMarker(dir);
  if (!existsSync(marker)) return false;
  rmSync(marker, { force: true });
  return true;
}

function asleepMarker(dir: string): string {
  return join(dir, "asleep");
}

/** SIGKILL is the quickest end (Node takes 5 ms to tidy up), and nothing is left to be tidied up; the reaper looks at `exits`. */
async function endWhenAnswered(): Promise<void> {
  await endCaller();
  while (openConnections() > 0) await sleep(1);
  process.kill(process.pid, "SIGKILL");
}
