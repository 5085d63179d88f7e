// One typed method for each verb of the runtime. Every call has a deadline, its messages go to files, and it outlives
// the supervisor that made it: a half-killed `create` would leave a half-made container.

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CallResult } from "../base/call.ts";
import { PeapodError } from "../base/errors.ts";
import { makeDir, readTextIfAny } from "../base/files.ts";
import { type Stdio, swiftCall } from "../base/swift-call.ts";
import type { RuntimeChoice } from "../plan/plan.ts";
import {
  type CheckpointFlags,
  type ExecWords,
  makeCheckpointArgs,
  makeCreateArgs,
  makeDeleteArgs,
  makeExecArgs,
  makeGlobalArgs,
  makeKillArgs,
  makeRestoreArgs,
  makeRunArgs,
  makeStartArgs,
  makeStateArgs,
  makeUpdateArgs,
} from "./argv.ts";
import { makeFailure } from "./failure.ts";
import { parseState, type RuntimeState } from "./parse-state.ts";

const DEADLINE_MS = {
  create: 60_000,
  run: 60_000,
  start: 30_000,
  kill: 20_000,
  delete: 30_000,
  state: 20_000,
  update: 30_000,
  // As long as it takes to write or read all its memory.
  checkpoint: 600_000,
  restore: 600_000,
} as const;
export type RuntimeVerb = keyof typeof DEADLINE_MS;

/**
 * A Go program that lives 30 ms need not collect: alone a create is 2 ms quicker so, of three side by side none is. A notify socket
 * is our caller's and ours: runc would hand it on to the container, and crun, even where it is empty, lays its directory over the root.
 */
const ENVIRONMENT = { GOGC: "off", GOMAXPROCS: "2", NOTIFY_SOCKET: undefined } as const;

export interface RuntimeOptions {
  readonly choice: RuntimeChoice;
  readonly root: string;
  /** Directory for the calls' output. */
  readonly callsDir: string;
  readonly systemdCgroup: boolean;
  readonly userCgroups?: "some" | "none";
  /** Instead of the usual; a call that takes longer is ended and throws TIMED_OUT. */
  readonly deadlinesMs?: Partial<Readonly<Record<RuntimeVerb, number>>>;
}

export interface CreateRequest {
  readonly id: string;
  readonly bundle: string;
  readonly pidFile: string;
  /** What the container's first process gets as stdin, stdout, stderr. */
  readonly stdio: Stdio;
  /** Unix socket that the container's terminal is handed over on, where it has one. */
  readonly consoleSocket?: string;
}

/** How CRIU is called; see runtime/criu.ts. */
export interface CriuCall extends CheckpointFlags {
  readonly env: Readonly<Record<string, string>>;
}

export interface ExecResult {
  /** As a shell shows it. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ExecCall {
  readonly program: string;
  readonly args: readonly string[];
  /** The runtime's own error, where the command was never begun. */
  explain(): Promise<PeapodError | undefined>;
}

/** All methods throw RUNTIME_MISSING, RUNTIME_FAILED, TIMED_OUT, OUT_OF_RESOURCES besides what they name. */
export interface Runtime {
  /** @throws NOT_FOUND, NOT_PERMITTED for the command, ALREADY_EXISTS */
  create(request: CreateRequest): Promise<{ readonly pid: number }>;
  start(id: string): Promise<void>;
  /** Create and start in one call; its first process may have ended when this returns. @throws as create does */
  run(request: CreateRequest): Promise<{ readonly pid: number }>;
  /** @throws WRONG_STATE where it has ended, NOT_FOUND, BAD_USAGE for the signal */
  kill(id: string, signal: string, more?: { readonly all?: boolean }): Promise<void>;
  /** `resources`: OCI's LinuxResources; what is not named stays. @throws RUNTIME_FAILED where the kernel refuses */
  update(id: string, resources: object): Promise<void>;
  /** Writes the images of a container that runs or is frozen, which it stays. @throws RUNTIME_FAILED, WRONG_STATE */
  checkpoint(id: string, criu: CriuCall): Promise<void>;
  /** @throws RUNTIME_FAILED; then something of it may be left */
  restore(request: CreateRequest, criu: CriuCall): Promise<{ readonly pid: number }>;
  /** One that is not there is deleted already. */
  delete(id: string, more?: { readonly force?: boolean }): Promise<void>;
  /** Undefined where there is no such container. */
  state(id: string): Promise<RuntimeState | undefined>;
  exec(words: ExecWords): Promise<ExecResult>;
  execCommand(words: ExecWords): ExecCall;
}

export function openRuntime(options: RuntimeOptions): Runtime {
  const { choice, root, callsDir, systemdCgroup, userCgroups } = options;
  let number = 0;

  const nextLog = (verb: string) => {
    makeDir(callsDir);
    number += 1;
    return join(callsDir, `${verb}-${process.pid}-${number}.log`);
  };
  const withGlobals = (log: string, args: readonly string[]) => [
    ...makeGlobalArgs(choice.kind, { root, log, systemdCgroup, ...(userCgroups === undefined ? {} : { userCgroups }) }),
    ...args,
  ];

  async function run(
    verb: RuntimeVerb,
    args: readonly string[],
    descriptors?: CreateRequest["stdio"],
    env: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly result: CallResult; readonly logText: string }> {
    const log = nextLog(verb);
    const result = await swiftCall({
      program: choice.path,
      args: withGlobals(log, args),
      timeoutMs: options.deadlinesMs?.[verb] ?? DEADLINE_MS[verb],
      env: { ...ENVIRONMENT, ...env },
      ...(descriptors === undefined ? {} : { descriptors }),
    });
    const logText = readTextIfAny(log) ?? "";
    rmSync(log, { force: true });
    return { result, logText };
  }

  async function runOrThrow(
    verb: RuntimeVerb,
    id: string,
    args: readonly string[],
    descriptors?: CreateRequest["stdio"],
    env?: Readonly<Record<string, string>>,
  ): Promise<CallResult> {
    const { result, logText } = await run(verb, args, descriptors, env);
    if (result.exitCode === 0) return result;
    throw makeFailure(`container ${id}`, verb, result, logText);
  }

  async function make(verb: "create" | "run", request: CreateRequest): Promise<{ pid: number }> {
    const { id, bundle, pidFile, stdio, consoleSocket } = request;
    rmSync(pidFile, { force: true });
    const args = (verb === "create" ? makeCreateArgs : makeRunArgs)(id, bundle, pidFile, consoleSocket);
    await runOrThrow(verb, id, args, stdio);
    return readMadePid(id, pidFile);
  }

  function readMadePid(id: string, pidFile: string): { pid: number } {
    const pid = Number(readTextIfAny(pidFile)?.trim() || Number.NaN);
    if (Number.isSafeInteger(pid) && pid > 0) return { pid };
    throw new PeapodError(
      "RUNTIME_FAILED",
      `container ${id}: ${choice.path} said that it was created, but wrote no pid`,
      {
        hint: "is it an OCI runtime?",
      },
    );
  }

  return {
    create: (request) => make("create", request),
    run: (request) => make("run", request),
    async start(id) {
      await runOrThrow("start", id, makeStartArgs(id));
    },
    async kill(id, signal, more = {}) {
      await runOrThrow("kill", id, makeKillArgs(id, signal, more.all ?? false));
    },
    async update(id, resources) {
      const file = nextLog("update").replace(/log$/, "json");
      writeFileSync(file, JSON.stringify(resources), { mode: 0o600 });
      try {
        await runOrThrow("update", id, makeUpdateArgs(id, file));
      } finally {
        rmSync(file, { force: true });
      }
    },
    async checkpoint(id, { env, ...flags }) {
      await runOrThrow("checkpoint", id, makeCheckpointArgs(id, flags), undefined, env);
    },
    async restore({ id, bundle, pidFile, stdio }, { env, ...flags }) {
      rmSync(pidFile, { force: true });
      await runOrThrow("restore", id, makeRestoreArgs(id, bundle, pidFile, flags), stdio, env);
      return readMadePid(id, pidFile);
    },
    async delete(id, more = {}) {
      try {
        await runOrThrow("delete", id, makeDeleteArgs(id, more.force ?? false));
      } catch (error) {
        if (!(error instanceof PeapodError && error.code === "NOT_FOUND")) throw error;
      }
    },
    async state(id) {
      const { result, logText } = await run("state", makeStateArgs(id));
      if (result.exitCode === 0) return parseState(`container ${id}`, result.stdout);
      const failure = makeFailure(`container ${id}`, "state", result, logText);
      if (failure.code === "NOT_FOUND") return undefined;
      throw failure;
    },
    async exec(words) {
      const log = nextLog("exec");
      const { call } = await import("../base/call.ts");
      const result = await call({ program: choice.path, args: withGlobals(log, makeExecArgs(words)) });
      const failure = readExecFailure(log, words.id, result);
      if (failure) throw failure;
      return { exitCode: result.exitCode ?? 255, stdout: result.stdout, stderr: result.stderr };
    },
    execCommand(words) {
      const log = nextLog("exec");
      return {
        program: choice.path,
        args: withGlobals(log, makeExecArgs(words)),
        explain: async () => readExecFailure(log, words.id),
      };
    },
  };
}

/** Only an exec that the runtime could not begin leaves an error in its log. */
function readExecFailure(log: string, id: string, result?: CallResult): PeapodError | undefined {
  const logText = readTextIfAny(log) ?? "";
  rmSync(log, { force: true });
  if (!logText.includes('"level":"error"') && result?.startError === undefined) return undefined;
  const ended = result ?? {
    exitCode: 255,
    signal: undefined,
    timedOut: false,
    stdout: "",
    stderr: "",
    startError: undefined,
  };
  return makeFailure(`container ${id}`, "exec", ended, logText);
}
