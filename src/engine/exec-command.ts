// The call that runs one more command in a container, for a caller who gives it his own terminal: the runtime itself
// carries bytes, window size and exit code, so nothing of ours stands in between.

import { rmSync } from "node:fs";
import { PeapodError } from "../base/errors.ts";
import type { PodName } from "../base/names.ts";
import { openRuntime } from "../runtime/runtime.ts";
import type { ContainerState } from "../state/pod-state.ts";
import { plannedContainer } from "./context.ts";
import type { ExecCommand, ExecRequest } from "./engine.ts";
import { assertAccountsOf, readAccountsOf, writeExecProcess } from "./exec-user.ts";
import { readPlan, readPodState } from "./reader.ts";

/** @throws NOT_FOUND, WRONG_STATE, BAD_USAGE where the pod has several containers and none is named */
export function makeExecCommand(root: string, pod: PodName, request: ExecRequest): ExecCommand {
  const plan = readPlan(root, pod);
  const state = readPodState(root, pod);
  if (state.status === "paused") {
    throw new PeapodError("WRONG_STATE", `pod ${pod}: is paused`, { hint: `peapod resume ${pod} lets it go on` });
  }
  const container = chooseContainer(pod, state.containers, request.container);
  const runtime = openRuntime({
    choice: plan.runtime,
    root: plan.paths.runtimeRoot,
    callsDir: plan.paths.calls,
    systemdCgroup: plan.sandbox.cgroup.driver === "systemd",
  });
  const { args, env, tty, cwd, user } = request;
  if (user !== undefined) {
    const accounts = readAccountsOf(container);
    const file = writeExecProcess(plan, plannedContainer(plan, container.name), { ...request, user }, accounts);
    const call = runtime.execCommand({ id: container.name, args: [], process: file });
    return { ...call, done: () => rmSync(file, { force: true }) };
  }
  assertAccountsOf(container);
  return runtime.execCommand({ id: container.name, args, env, tty, ...(cwd === undefined ? {} : { cwd }) });
}

function chooseContainer(pod: PodName, all: readonly ContainerState[], name: string | undefined): ContainerState {
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
  if (found.status === "running") return found;
  throw new PeapodError("WRONG_STATE", `container ${found.name}: is not running, it is ${found.status}`);
}
