// create, run. The first container waits for what is imported here: the rest of `run` is loaded later.

import type { PlanRequest } from "../../../engine/engine.ts";
import { EXIT, statusOfSignal } from "../exit-codes.ts";
import { planRequestOf, type StopSignal, type Task } from "../task.ts";
import { tellNetwork } from "./tell-network.ts";

export async function create(task: Task): Promise<number> {
  if (task.options.flag("dry-run")) return await printPlan(task);
  if (task.options.has("replicas")) return await (await import("./replicas.ts")).upReplicas(task, false);
  return await up(task, planRequestOf(task), false);
}

export async function run(task: Task): Promise<number> {
  if (task.options.flag("dry-run")) return await printPlan(task);
  if (task.options.has("replicas")) return await (await import("./replicas.ts")).runReplicas(task);
  if (task.options.flag("detach")) return await up(task, planRequestOf(task), true);
  const isAttached = task.options.flag("interactive") || task.options.flag("tty");
  if (isAttached) return await (await import("./run-attached.ts")).runAttached(task);
  return await (await import("./run-foreground.ts")).runForeground(task);
}

async function printPlan(task: Task): Promise<number> {
  const plan = await (await task.engine()).plan({ ...planRequestOf(task), pulls: false });
  task.world.output.out(`${JSON.stringify(plan, null, 2)}\n`);
  return EXIT.ok;
}

/** Makes it, and prints its name. */
export async function up(task: Task, request: PlanRequest, start: boolean): Promise<number> {
  const engine = await task.engine();
  const abort = new AbortController();
  let stopped: StopSignal | undefined;
  const ignoreSignals = task.world.onSignal((signal) => {
    stopped ??= signal;
    abort.abort();
  });
  try {
    const state = await engine.up({ ...request, start, signal: abort.signal });
    if (stopped === undefined) {
      task.world.output.out(`${state.pod}\n`);
      await tellNetwork(task, engine, state);
      return EXIT.ok;
    }
    // The signal came too late to cancel, and yet the pod was not wanted.
    await engine.client(state.pod).delete({ force: true });
    return statusOfSignal(stopped);
  } catch (error) {
    if (stopped === undefined) throw error;
    await task.complain(error);
    return statusOfSignal(stopped);
  } finally {
    ignoreSignals();
  }
}
