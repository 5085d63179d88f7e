// create and run with --replicas: several pods of one manifest, side by side. All of them come up or none is left; in the
// foreground each line bears pod and container, and the first result that is not 0 is the command's.

import { setMaxListeners } from "node:events";
import { asPeapodError, PeapodError } from "../../../base/errors.ts";
import type { PodName } from "../../../base/names.ts";
import type { Engine, PlanRequest } from "../../../engine/engine.ts";
import type { PodState } from "../../../state/pod-state.ts";
import { EXIT, statusOfSignal } from "../exit-codes.ts";
import { makeLogPrinter } from "../log-printer.ts";
import { userContainers } from "../pod-words.ts";
import { asPodName, planRequestOf, type StopSignal, type Task } from "../task.ts";
import { deletePod, endPod, showContainer, statusOfPod } from "./run-foreground.ts";

/** Each is a Node and a runtime call a container: more at once would only wait for each other. */
const AT_ONCE = 8;
const MOST = 1000;

type Interruption = StopSignal | "SIGPIPE";

export async function runReplicas(task: Task): Promise<number> {
  if (task.options.flag("interactive") || task.options.flag("tty"))
    throw new PeapodError(
      "BAD_USAGE",
      "run: one terminal cannot be at several pods; leave out -i and -t, or --replicas",
    );
  if (task.options.flag("detach")) return await upReplicas(task, true);
  const engine = await task.engine();
  return await interruptibly(task, engine, async (pods, interrupted) => {
    if (task.world.env.NOTIFY_SOCKET) void notify(task, engine, pods);
    try {
      const ended = await untilAllEnd(task, engine, pods);
      return interrupted() ?? ended.map(statusOfPod).find((status) => status !== 0) ?? EXIT.ok;
    } finally {
      await Promise.all(pods.map(({ pod }) => deletePod(engine.client(pod), task)));
    }
  });
}

/** Prints their names. */
export async function upReplicas(task: Task, start: boolean): Promise<number> {
  const engine = await task.engine();
  return await interruptibly(
    task,
    engine,
    async (pods, interrupted) => {
      const status = interrupted();
      // The signal came too late to cancel, and yet the pods were not wanted.
      if (status !== undefined) await deleteAll(engine, pods);
      else for (const { pod } of pods) task.world.output.out(`${pod}\n`);
      return status ?? EXIT.ok;
    },
    start,
  );
}

/** Until they are up a signal undoes all; from then on the first stops them, and the next kills. */
async function interruptibly(
  task: Task,
  engine: Engine,
  whenUp: (pods: readonly PodState[], interrupted: () => number | undefined) => Promise<number>,
  start = true,
): Promise<number> {
  const abort = new AbortController();
  const interruptions: Interruption[] = [];
  const interrupted = () => (interruptions[0] === undefined ? undefined : statusOfSignal(interruptions[0]));
  let pods: readonly PodState[] = [];
  const endAll = () => pods.map(({ pod }) => endPod(engine.client(pod), interruptions.length, task));
  const interrupt = (by: Interruption) => {
    interruptions.push(by);
    abort.abort();
    endAll();
  };
  const ignoreSignals = task.world.onSignal(interrupt);
  task.world.output.onClosed(() => interrupt("SIGPIPE"));
  try {
    const request = planRequestOf(task);
    pods = await upAll(engine, request, await makeNames(task, engine, request), start, abort);
    if (interruptions.length > 0 && start) endAll();
    return await whenUp(pods, interrupted);
  } catch (error) {
    if (interrupted() === undefined) throw error;
    await task.complain(error);
    return interrupted() ?? EXIT.failed;
  } finally {
    ignoreSignals();
  }
}

/** As a StatefulSet names its pods. @throws BAD_USAGE, and what planning throws */
async function makeNames(task: Task, engine: Engine, request: PlanRequest): Promise<PodName[]> {
  const count = task.options.number("replicas") ?? 1;
  if (count < 1 || count > MOST)
    throw new PeapodError("BAD_USAGE", `option --replicas: ${count} is not a number from 1 to ${MOST}`);
  const { pod } = await engine.plan(request);
  return Array.from({ length: count }, (_, index) => asPodName(`${pod}-${index}`));
}

/** @throws why the first one failed that did; then none is left */
async function upAll(
  engine: Engine,
  request: PlanRequest,
  names: readonly PodName[],
  start: boolean,
  abort: AbortController,
): Promise<readonly PodState[]> {
  const { signal } = abort;
  setMaxListeners(0, signal);
  const made: PodState[] = [];
  const failures: PeapodError[] = [];
  const waiting = [...names];
  const work = async () => {
    for (let name = waiting.shift(); name !== undefined && !signal.aborted; name = waiting.shift()) {
      try {
        made.push(await engine.up({ ...request, name, start, signal }));
      } catch (error) {
        failures.push(asPeapodError(error, `pod ${name}`));
        abort.abort();
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, names.length) }, work));
  const reason = failures.find(({ code }) => code !== "CANCELED") ?? failures[0];
  if (reason === undefined && made.length === names.length)
    return names.flatMap((name) => made.filter(({ pod }) => pod === name));
  await deleteAll(engine, made);
  throw reason ?? new PeapodError("CANCELED", `pods ${names.join(", ")}: given up by the caller`);
}

async function deleteAll(engine: Engine, pods: readonly PodState[]): Promise<void> {
  await Promise.all(pods.map(({ pod }) => engine.client(pod).delete({ force: true })));
}

async function untilAllEnd(task: Task, engine: Engine, pods: readonly PodState[]): Promise<readonly PodState[]> {
  const members = pods.flatMap((pod) =>
    userContainers(pod).map(({ name }) => ({ pod, name, label: `${pod.pod}/${name}` })),
  );
  const printer = makeLogPrinter(task.world.output, {
    containers: members.map(({ label }) => label),
    timestamps: false,
    names: true,
  });
  const stopReading = new AbortController();
  setMaxListeners(0, stopReading.signal);
  const reading = Promise.all(
    members.map(({ pod, name, label }) => showContainer(task, engine, pod, name, printer, stopReading.signal, label)),
  );
  try {
    const [ended] = await Promise.all([Promise.all(pods.map(({ pod }) => engine.client(pod).wait({}))), reading]);
    return ended;
  } finally {
    stopReading.abort();
    printer.flush();
  }
}

async function notify(task: Task, engine: Engine, pods: readonly PodState[]): Promise<void> {
  try {
    await Promise.all(pods.map(({ pod }) => engine.client(pod).wait({ until: "ready" })));
    await engine.notify(task.world.env.NOTIFY_SOCKET ?? "", { ready: true, status: "ready" });
  } catch {
    // One ended before: systemd hears of that when all have.
  }
}
