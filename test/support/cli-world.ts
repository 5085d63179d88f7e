// A world and an engine for the door's tests: plain objects, nothing real behind them.

import type { ContainerName, PodName } from "../../src/base/names.ts";
import { runCommandLine } from "../../src/doors/cli/cli.ts";
import type { StopSignal, World } from "../../src/doors/cli/task.ts";
import type { Engine, EngineOptions, LogEntry, PodClient, PodReader } from "../../src/engine/engine.ts";
import { makePlannedContainer } from "../../src/state/fold.ts";
import { makeBareOutline } from "../../src/state/outline.ts";
import type { ContainerState, PodState } from "../../src/state/pod-state.ts";

export const NOW = new Date("2026-11-22T10:03:00.000Z");

export function aContainer(name: string, more: Partial<ContainerState> = {}): ContainerState {
  return {
    ...makePlannedContainer(makeBareOutline(name as ContainerName)),
    status: "running",
    started: true,
    ready: true,
    pid: 4711,
    startTime: 99,
    createdAt: "2026-11-22T10:00:00.000Z",
    startedAt: "2026-11-22T10:00:00.000Z",
    exitsOffset: 0,
    ...more,
  };
}

export function aPod(more: Partial<PodState> = {}): PodState {
  return {
    pod: "web" as PodName,
    status: "running",
    want: "running",
    wantedAt: "2026-11-22T10:00:00.000Z",
    graceMs: undefined,
    downAt: undefined,
    stopSignal: undefined,
    initializedAt: "2026-11-22T10:00:00.000Z",
    expiredAt: undefined,
    reason: undefined,
    phase: "Running",
    conditions: [],
    createdAt: "2026-11-22T10:00:00.000Z",
    startedAt: "2026-11-22T10:00:00.000Z",
    exitedAt: undefined,
    restartedAt: undefined,
    changing: undefined,
    changedAt: undefined,
    checkpointedAt: undefined,
    deletedAt: undefined,
    isPaused: false,
    exitStatus: undefined,
    degraded: undefined,
    error: undefined,
    containers: [aContainer("server"), aContainer("client")],
    cursor: 7,
    ...more,
  };
}

export function aLine(text: string, more: Partial<LogEntry> = {}): LogEntry {
  return { time: "2026-11-22T10:00:00.000000000Z", stream: "stdout", text, partial: false, ...more };
}

/** Engine whose every part fails unless given: a test names what it needs. */
export function fakeEngine(parts: {
  reader?: Partial<PodReader>;
  client?: Partial<PodClient> | ((pod: PodName) => Partial<PodClient>);
  rest?: Partial<Engine>;
}): Engine {
  const refuse = <T extends object>(what: Partial<T> | undefined, name: string): T =>
    new Proxy((what ?? {}) as T, {
      get(target, key) {
        // An engine comes out of a promise; who awaits it asks for `then`.
        if (key === "then" || key in target) return Reflect.get(target, key);
        throw new Error(`the test's ${name} has no ${String(key)}`);
      },
    });
  const { client } = parts;
  return refuse<Engine>(
    {
      reader: refuse<PodReader>(parts.reader, "reader"),
      client: (pod) => refuse<PodClient>(typeof client === "function" ? client(pod) : client, "client"),
      ...parts.rest,
    },
    "engine",
  );
}

export interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

export interface FakeWorld {
  readonly world: World;
  /** Sends the process a signal; false where nobody handles it. */
  signal(name: StopSignal): boolean;
  /** The reader of standard output goes away. */
  hangUp(): void;
  readonly programs: (readonly string[])[];
  readonly opened: EngineOptions[];
  out: string;
  err: string;
}

export function fakeWorld(
  engine: Engine = fakeEngine({}),
  more: {
    terminal?: boolean;
    env?: Record<string, string>;
    stdin?: string;
    files?: Record<string, string>;
    programStatus?: number;
  } = {},
): FakeWorld {
  const terminal = more.terminal ?? false;
  const handlers = new Set<(signal: StopSignal) => void>();
  const closing: (() => void)[] = [];
  const fake: FakeWorld = {
    out: "",
    err: "",
    programs: [],
    opened: [],
    signal(name) {
      for (const handle of [...handlers]) handle(name);
      return handlers.size > 0;
    },
    hangUp: () => closing.splice(0).forEach((handle) => void handle()),
    world: {
      env: more.env ?? {},
      output: {
        out(text) {
          fake.out += text;
        },
        err(text) {
          fake.err += text;
        },
        isTerminal: terminal,
        isErrorTerminal: terminal,
        errCanDraw: terminal,
        errColumns: 80,
        columns: 80,
        hasColors: terminal,
        onClosed: (handle) => void closing.push(handle),
      },
      async openEngine(options) {
        fake.opened.push(options);
        return engine;
      },
      openTerminal: async () => ({
        isTerminal: terminal,
        size: () => undefined,
        onResize: () => () => undefined,
        makeRaw: async () => undefined,
        async read(take) {
          if (more.stdin !== undefined) await take(Buffer.from(more.stdin));
        },
        close: () => undefined,
      }),
      readStdin: () => more.stdin ?? "",
      readFile: (path) => more.files?.[path] ?? "",
      onSignal(handle) {
        handlers.add(handle);
        return () => void handlers.delete(handle);
      },
      async runProgram(program, args) {
        fake.programs.push([program, ...args]);
        return more.programStatus ?? 0;
      },
      openScreen: async () => undefined,
      now: () => NOW,
    },
  };
  return fake;
}

/** Runs one command line, split at spaces, to its end. */
export async function runLine(line: string, fake: FakeWorld = fakeWorld()): Promise<Ran> {
  const status = await runCommandLine(
    line.split(" ").filter((word) => word !== ""),
    fake.world,
  );
  return { status, out: fake.out, err: fake.err };
}
