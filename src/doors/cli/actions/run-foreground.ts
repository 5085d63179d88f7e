// run without -d: the pod's life is this command's life. Shows every line that the containers write, hands
// interruptions on (the first stops, the next kills), ends with the pod's result and leaves nothing behind.

import { asPeapodError, PeapodError } from "../../../base/errors.ts";
import type { ContainerName } from "../../../base/names.ts";
import type { Engine, PodClient } from "../../../engine/engine.ts";
import type { PodState } from "../../../state/pod-state.ts";
import { EXIT, statusOfSignal } from "../exit-codes.ts";
import { type LogPrinter, makeLogPrinter } from "../log-printer.ts";
import { makeExitWords, userContainers } from "../pod-words.ts";
import { planRequestOf, type StopSignal, type Task } from "../task.ts";
import { tellNetwork } from "./tell-network.ts";

type Interruption = StopSignal | "SIGPIPE";

export async function runForeground(task: Task): Promise<number> {
  const engine = await task.engine();
  const abort = new AbortController();
  const interruptions: Interruption[] = [];
  let client: PodClient | undefined;
  const interrupt = (by: Interruption) => {
    interruptions.push(by);
    const { NOTIFY_SOCKET } = task.world.env;
    if (NOTIFY_SOCKET) void engine.notify(NOTIFY_SOCKET, { stopping: true });
    if (client === undefined) abort.abort();
    else void endPod(client, interruptions.length, task);
  };
  const ignoreSignals = task.world.onSignal(interrupt);
  // Nobody reads any more (`peapod run pod.yaml | head`): a foreground pod has no other reason to live.
  task.world.output.onClosed(() => interrupt("SIGPIPE"));
  try {
    const created = await engine.up({ ...planRequestOf(task), start: true, signal: abort.signal });
    client = engine.client(created.pod);
    await tellNetwork(task, engine, created);
    if (interruptions.length > 0) void endPod(client, interruptions.length, task);
    if (task.world.env.NOTIFY_SOCKET) void notify(task, engine, client);
    const ended = await untilEnd(task, engine, created, client).finally(() => deletePod(client, task));
    return interruptions[0] === undefined ? statusOfPod(ended) : statusOfSignal(interruptions[0]);
  } catch (error) {
    await task.complain(error);
    return interruptions[0] === undefined ? EXIT.failed : statusOfSignal(interruptions[0]);
  } finally {
    ignoreSignals();
  }
}

/** systemd hears when the pod is ready, and never of one that is not. */
async function notify(task: Task, engine: Engine, client: PodClient): Promise<void> {
  try {
    await client.wait({ until: "ready" });
    await engine.notify(task.world.env.NOTIFY_SOCKET ?? "", { ready: true, status: "ready" });
  } catch {
    // It ended before: systemd sees that by itself.
  }
}

/** The pod's end, and every line that was written before it. */
async function untilEnd(task: Task, engine: Engine, pod: PodState, client: PodClient): Promise<PodState> {
  const names = userContainers(pod).map((container) => container.name);
  const printer = makeLogPrinter(task.world.output, { containers: names, timestamps: false });
  const stopReading = new AbortController();
  task.world.output.onClosed(() => stopReading.abort());
  const reading = Promise.all(names.map((name) => showContainer(task, engine, pod, name, printer, stopReading.signal)));
  try {
    const [ended] = await Promise.all([client.wait({}), reading]);
    return ended;
  } finally {
    stopReading.abort();
    printer.flush();
  }
}

export async function showContainer(
  task: Task,
  engine: Engine,
  pod: PodState,
  name: ContainerName,
  printer: LogPrinter,
  signal: AbortSignal,
  label: string = name,
): Promise<void> {
  for await (const entry of engine.logs(pod.pod, { container: name, fromFirst: true, follow: true, signal }))
    printer.print(label, entry);
  printer.flush(label);
  if (signal.aborted || !task.world.output.isErrorTerminal) return;
  const state = await engine.reader.state(pod.pod);
  const exit = state.containers.find((container) => container.name === name)?.exit;
  if (exit !== undefined) printer.remark(label, makeExitWords(exit));
}

/** Called for each interruption; a pod that is already gone or going needs nothing more. */
export async function endPod(client: PodClient, times: number, task: Task): Promise<void> {
  try {
    if (times === 1) await client.stop({});
    else await client.kill({ signal: "SIGKILL", all: true });
  } catch (error) {
    const code = asPeapodError(error).code;
    if (code !== "WRONG_STATE" && code !== "NOT_FOUND") await task.complain(error);
  }
}

export async function deletePod(client: PodClient | undefined, task: Task): Promise<void> {
  if (task.options.flag("keep")) return;
  try {
    await client?.delete({ force: true });
  } catch (error) {
    // Somebody else's delete was first.
    if (asPeapodError(error).code !== "NOT_FOUND") throw error;
  }
}

export function statusOfPod(pod: PodState): number {
  if (pod.exitStatus !== undefined) return pod.exitStatus;
  if (pod.error !== undefined) throw PeapodError.fromJson(pod.error);
  throw new PeapodError("STATE_DAMAGED", `pod ${pod.pod}: ended, but nobody saw with what result`);
}
