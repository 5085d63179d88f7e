// create, run. The first container waits for what is imported here: the rest of `run` is loaded later.

import { EXIT, statusOfSignal } from "../exit-codes.ts";
import { planRequestOf, type StopSignal, type Task } from "../task.ts";

export async function create(task: Task): Promise<number> {
  return task.options.flag("dry-run") ? await printPlan(task) : await upAndPrintName(task, false);
}

export async function run(task: Task): Promise<number> {
  if (task.options.flag("dry-run")) return await printPlan(task);
  if (task.options.flag("detach")) return await upAndPrintName(task, true);
  const isAttached = task.options.flag("interactive") || task.options.flag("tty");
  if (isAttached) return await (await import("./run-attached.ts")).runAttached(task);
  return await (await import("./run-foreground.ts")).runForeground(task);
}

async function printPlan(task: Task): Promise<number> {
  const plan = await (await task.engine()).plan(planRequestOf(task));
  task.world.output.out(`${JSON.stringify(plan, null, 2)}\n`);
  return EXIT.ok;
}

async function upAndPrintName(task: Task, start: boolean): Promise<number> {
  const engine = await task.engine();
  const abort = new AbortController();
  let stopped: StopSignal | undefined;
  const ignoreSignals = task.world.onSignal((signal) => {
    stopped ??= signal;
    abort.abort();
  });
  try {
    const state = await engine.up({ ...planRequestOf(task), start, signal: abort.signal });
    if (stopped === undefined) {
      task.world.output.out(`${state.pod}\n`);
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
