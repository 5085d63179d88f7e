// start, kill, stop, restart, delete, pause, resume, wait: silent when they succeed. Of several pods each is tried.

import { asPeapodError, PeapodError } from "../../../base/errors.ts";
import type { PodName } from "../../../base/names.ts";
import { LONGEST_TIMER_MS } from "../../../base/timer.ts";
import type { PodClient } from "../../../engine/engine.ts";
import { shellStatus } from "../../../exits/exit.ts";
import type { PodState } from "../../../state/pod-state.ts";
import { EXIT } from "../exit-codes.ts";
import { asPodName, podOf, type Task } from "../task.ts";
import { pickContainers } from "./logs.ts";
import { untilInterrupted } from "./until-interrupted.ts";

export async function start(task: Task): Promise<number> {
  return await changeEachPod(task, async (client) => void (await client.start()));
}

export async function stop(task: Task): Promise<number> {
  const seconds = task.options.number("time");
  const more = seconds === undefined ? {} : { graceMs: Math.round(seconds * 1000) };
  return await changeEachPod(task, async (client) => void (await client.stop(more)));
}

export async function restart(task: Task): Promise<number> {
  const seconds = task.options.number("time");
  const grace = seconds === undefined ? {} : { graceMs: Math.round(seconds * 1000) };
  const wanted = task.options.list("container");
  return await changeEachPod(task, async (client, pod) => {
    if (wanted.length === 0) return void (await client.restart(grace));
    const { reader } = await task.engine();
    await client.restart({ ...grace, containers: pickContainers(await reader.state(pod), wanted) });
  });
}

export async function pause(task: Task): Promise<number> {
  return await changeEachPod(task, async (client) => void (await client.pause()));
}

export async function resume(task: Task): Promise<number> {
  return await changeEachPod(task, async (client) => void (await client.resume()));
}

export async function remove(task: Task): Promise<number> {
  const force = task.options.flag("force");
  return await changeEachPod(task, async (client) => {
    try {
      await client.delete({ force });
    } catch (error) {
      // As runc does it: who forces wants it gone, and gone it is.
      if (!force || asPeapodError(error).code !== "NOT_FOUND") throw error;
    }
  });
}

export async function kill(task: Task): Promise<number> {
  const { args, options } = task;
  const pod = podOf(task);
  const flagged = options.text("signal");
  if (args[1] !== undefined && flagged !== undefined) {
    throw new PeapodError("BAD_USAGE", `kill: two signals are given, ${args[1]} and ${flagged}`);
  }
  const engine = await task.engine();
  const client = engine.client(pod);
  const request = { signal: args[1] ?? flagged ?? "SIGTERM", all: options.flag("all") };
  const wanted = options.list("container");
  if (wanted.length === 0) await client.kill(request);
  else {
    const containers = pickContainers(await engine.reader.state(pod), wanted);
    for (const container of containers) await client.kill({ ...request, container });
  }
  return EXIT.ok;
}

export async function wait(task: Task): Promise<number> {
  const wanted = task.options.list("container");
  const until = makeUntil(task.options.text("for"));
  const seconds = task.options.number("timeout");
  const timeoutMs = seconds === undefined ? undefined : Math.min(Math.round(seconds * 1000), LONGEST_TIMER_MS);
  const more = timeoutMs === undefined ? {} : { signal: AbortSignal.timeout(timeoutMs) };
  if (until !== "exited" && wanted.length > 0)
    throw new PeapodError("BAD_USAGE", `wait: --for=${until} is about the pod, --container about its containers`);
  return await forEachPod(task, async (client, pod) => {
    if (until !== "exited") {
      await client.wait({ until, ...more });
      return;
    }
    const { reader } = await task.engine();
    const containers = wanted.length === 0 ? [] : pickContainers(await reader.state(pod), wanted);
    const state = await client.wait({ ...(containers.length === 0 ? {} : { containers }), ...more });
    for (const result of resultsOf(state, containers)) task.world.output.out(`${result ?? "lost"}\n`);
  });
}

/** kubectl's words too: `condition=Ready`. */
function makeUntil(text = "exited"): "exited" | "ready" | "initialized" {
  const word = text.replace(/^condition=/, "").toLowerCase();
  if (word === "exited" || word === "ready" || word === "initialized") return word;
  throw new PeapodError("BAD_USAGE", `option --for: ${JSON.stringify(text)} is not one of ready, initialized, exited`);
}

function resultsOf(state: PodState, containers: readonly string[]): readonly (number | undefined)[] {
  if (containers.length === 0) return [state.exitStatus];
  return containers.map((name) => {
    const exit = state.containers.find((container) => container.name === name)?.exit;
    return exit === undefined ? undefined : shellStatus(exit);
  });
}

/** As `forEachPod`, until a signal: the pod that was asked goes on, and those after it are not asked. */
export async function changeEachPod(
  task: Task,
  change: (client: PodClient, pod: PodName) => Promise<void>,
): Promise<number> {
  let interrupted: number | undefined;
  const status = await forEachPod(task, async (client, pod) => {
    if (interrupted !== undefined) return;
    const unasked = task.args.slice(task.args.indexOf(pod) + 1);
    interrupted = await untilInterrupted(task, pod, () => change(client, pod), unasked);
  });
  return interrupted ?? status;
}

/** One after the other, all of them: a failure is told at once and is in the status at the end. */
async function forEachPod(task: Task, change: (client: PodClient, pod: PodName) => Promise<void>): Promise<number> {
  const pods = task.args.map(asPodName);
  const engine = await task.engine();
  let status: number = EXIT.ok;
  for (const pod of pods) {
    try {
      await change(engine.client(pod), pod);
    } catch (error) {
      if (pods.length === 1) throw error;
      await task.complain(error);
      status = EXIT.failed;
    }
  }
  return status;
}
