// What an action gets: the parsed command line and the world around the process. An action touches nothing else.

import { PeapodError } from "../../base/errors.ts";
import { isPodName, type PodName } from "../../base/names.ts";
import type { Engine, EngineOptions, PlanRequest } from "../../engine/engine.ts";
import { makeEnv } from "./env-file.ts";
import { makeSaidNames } from "./name-options.ts";
import type { Options } from "./options.ts";
import type { Output } from "./output.ts";
import { makePullTeller } from "./pull-teller.ts";
import type { Screen } from "./screen.ts";
import type { Terminal } from "./terminal.ts";

export type StopSignal = "SIGINT" | "SIGTERM" | "SIGHUP";

/** The process, as far as the door may know it; main.ts makes the real one, tests make their own. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly output: Output;
  openEngine(options: EngineOptions): Promise<Engine>;
  readStdin(): string;
  /** @throws NOT_FOUND, NOT_PERMITTED */
  readFile(path: string): string;
  /** Until the returned function is called, these signals go to `handle` instead of ending the process. */
  onSignal(handle: (signal: StopSignal) => void): () => void;
  /** Runs a program on our own terminal to its end; its exit status as a shell shows it. */
  runProgram(program: string, args: readonly string[]): Promise<number>;
  /** The terminal as a screen of our own; undefined where there is none. Who opens it closes it. */
  openScreen(): Promise<Screen | undefined>;
  /** Standard input and the terminal that it may be. */
  openTerminal(): Promise<Terminal>;
  now(): Date;
}

export interface Task {
  readonly verb: string;
  readonly args: readonly string[];
  readonly options: Options;
  readonly world: World;
  engine(): Promise<Engine>;
  /** Says on stderr what went wrong, without ending the verb: one of several pods failed. */
  complain(error: unknown): Promise<void>;
}

/** @throws BAD_USAGE */
export function asPodName(text: string): PodName {
  if (isPodName(text)) return text;
  throw new PeapodError("BAD_USAGE", `pod ${JSON.stringify(text)}: is not a pod's name`, {
    hint: "a name has lower-case letters, digits, - and . and at most 63 characters",
  });
}

/** The first positional as a pod. */
export function podOf(task: Task): PodName {
  return asPodName(task.args[0] ?? "");
}

/** Those that were named, by -c or after the pod; none where all are meant. */
export function containersOf(task: Task): readonly string[] {
  return [...new Set([...task.args.slice(1), ...task.options.list("container")])];
}

/** The first positional as a manifest; `-` takes it from standard input. */
export function planRequestOf(task: Task): PlanRequest {
  const file = task.args[0] ?? "";
  const name = task.options.text("name");
  const names = makeSaidNames(task.options);
  return {
    file,
    ...configFilesOf(task),
    ...readEnv(task),
    ...networkOf(task),
    ...(names === undefined ? {} : { names }),
    tellPull: makePullTeller(task.world.output),
    ...(file === "-" ? { stdinText: task.world.readStdin() } : {}),
    ...(name === undefined ? {} : { name: asPodName(name) }),
  };
}

/** What --configmap says; nothing where it says nothing. */
export function configFilesOf({ options }: Pick<Task, "options">): Pick<PlanRequest, "configFiles"> {
  const configFiles = options.list("configmap");
  return configFiles.length === 0 ? {} : { configFiles };
}

/** What --network, --publish and PEAPOD_NETWORK say. */
export function networkOf({ verb, options, world }: Task): Pick<PlanRequest, "networks" | "usualNetwork" | "publish"> {
  const networks = options.list("network");
  const publish = verb === "bundle" ? [] : options.list("publish");
  const usual = world.env.PEAPOD_NETWORK;
  return {
    ...(networks.length === 0 ? {} : { networks }),
    ...(usual ? { usualNetwork: usual } : {}),
    ...(publish.length === 0 ? {} : { publish }),
  };
}

/** What --env and --env-file say; nothing where they say nothing. @throws BAD_USAGE, NOT_FOUND */
function readEnv({ options, world }: Task): Pick<PlanRequest, "env"> {
  const words = options.list("env");
  const files = options.list("env-file");
  if (words.length === 0 && files.length === 0) return {};
  return {
    env: makeEnv(
      files.map((path) => ({ path, text: world.readFile(path) })),
      words,
      world.env,
    ),
  };
}
