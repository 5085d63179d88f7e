// The call that runs one more command in a container, for a caller who gives it his own streams: the runtime itself
// carries bytes and exit code. Where the command is to have a terminal, peapod-pty stands in between.

import { rmSync } from "node:fs";
import { PeapodError } from "../base/errors.ts";
import type { PodName } from "../base/names.ts";
import type { ContainerState } from "../state/pod-state.ts";
import { plannedContainer } from "./context.ts";
import type { ExecCommand, ExecRequest } from "./engine.ts";
import { assertAccountsOf, readAccountsOf, writeExecProcess } from "./exec-user.ts";
import { readPlan, readPodState } from "./looking/reader.ts";
import { openRuntimeOf } from "./open-runtime.ts";

/** @throws NOT_FOUND, WRONG_STATE, BAD_USAGE where the pod has several containers and none is named */
export function makeExecCommand(root: string, pod: PodName, request: ExecRequest, ptyProgram: string): ExecCommand {
  const plan = readPlan(root, pod);
  const state = readPodState(root, pod);
  if (state.status === "paused") {
    throw new PeapodError("WRONG_STATE", `pod ${pod}: is paused`, { hint: `peapod resume ${pod} lets it go on` });
  }
  const container = chooseContainer(pod, state.containers, request.container);
  const runtime = openRuntimeOf(plan);
  const { args, env, tty, cwd, user } = request;
  const command = makeCall();
  if (!tty) return command;
  // The runtime wants a terminal to give the command one; and it knows no keys to leave by.
  const keys = request.detachKeys ?? [];
  const detach = keys.length === 0 ? [] : ["--detach-keys", keys.join(",")];
  return { ...command, program: ptyProgram, args: [...detach, "--", command.program, ...command.args] };

  function makeCall(): ExecCommand {
    if (user !== undefined) {
      const accounts = readAccountsOf(container);
      const file = writeExecProcess(plan, plannedContainer(plan, container.name), { ...request, user }, accounts);
      const call = runtime.execCommand({ id: container.name, args: [], process: file });
      return { ...call, done: () => rmSync(file, { force: true }) };
    }
    assertAccountsOf(container);
    return runtime.execCommand({ id: container.name, args, env, tty, ...(cwd === undefined ? {} : { cwd }) });
  }
}

/** The one that is meant, by name or because there is no other. @throws NOT_FOUND, WRONG_STATE, BAD_USAGE */
export function chooseContainer(
  pod: PodName,
  all: readonly ContainerState[],
  name: string | undefined,
  allowed: readonly ContainerState["status"][] = ["running"],
): ContainerState {
  const containers = all.filter(({ role }) => role !== "pause");
  const names = containers.map((container) => container.name).join(", ");
  const [only, second] = containers.filter(({ role }) => role === "main");
  if (name === undefined && (second !== undefined || only === undefined)) {
    throw new PeapodError("BAD_USAGE", `pod ${pod}: has several containers`, { hint: `choose one with -c: ${names}` });
  }
  const found = name === undefined ? only : containers.find((container) => container.name === name);
  if (found === undefined) {
    throw new PeapodError("NOT_FOUND", `pod ${pod}: has no container ${name}`, { hint: `it has ${names}` });
  }
  if (allowed.includes(found.status)) return found;
  throw new PeapodError("WRONG_STATE", `container ${found.name}: is not running, it is ${found.status}`);
}
