// state, list, ps, inspect, ns. They read, and wake nobody.

import type { PodState } from "../../../state/pod-state.ts";
import { EXIT } from "../exit-codes.ts";
import { makeContainerWords, makePodJson, makePodStatusWord, makeReadyWord, makeRestartWords } from "../pod-words.ts";
import { makeSize } from "../size-words.ts";
import { type Column, makeTable } from "../table.ts";
import { asPodName, podOf, type Task } from "../task.ts";
import { makeAgo } from "../time-words.ts";
import { printJson, tableWidth } from "./print.ts";

export async function state(task: Task): Promise<number> {
  const name = podOf(task);
  const pod = await (await task.engine()).reader.state(name);
  if (task.options.text("format") === "json") printJson(task, makePodJson(pod));
  else task.world.output.out(makeStateTable(pod, task));
  return EXIT.ok;
}

export async function list(task: Task): Promise<number> {
  const { options, world } = task;
  const pods = await (await task.engine()).reader.list();
  if (options.flag("quiet")) for (const pod of pods) world.output.out(`${pod.pod}\n`);
  else if (options.text("format") === "json") printJson(task, pods.map(makePodJson));
  else {
    const isWide = options.text("format") === "wide";
    const columns: readonly Column[] = [
      { title: "POD", gives: true },
      { title: "STATUS" },
      { title: "READY" },
      { title: "RESTARTS" },
      { title: "CREATED" },
      ...(isWide ? [{ title: "ADDRESS" }, { title: "NETWORKS" }] : []),
    ];
    const rows = pods.map((pod) => [
      pod.pod,
      makePodStatusWord(pod),
      makeReadyWord(pod),
      makeRestartWords(pod, world.now()),
      makeAgo(pod.createdAt, world.now()),
      ...(isWide ? [pod.podIP ?? "-", pod.networks?.map(({ name }) => name).join(",") || "-"] : []),
    ]);
    world.output.out(makeTable(columns, rows, tableWidth(task)));
  }
  return EXIT.ok;
}

export async function ps(task: Task): Promise<number> {
  const pod = podOf(task);
  const processes = await (await task.engine()).processes(pod);
  if (task.options.text("format") === "json") {
    printJson(task, processes);
    return EXIT.ok;
  }
  const columns = [
    { title: "CONTAINER" },
    { title: "PID", align: "right" },
    { title: "PPID", align: "right" },
    { title: "UID", align: "right" },
    { title: "MEMORY", align: "right" },
    { title: "STARTED" },
    { title: "COMMAND", gives: true },
  ] as const;
  const rows = processes.map((each) => [
    each.container,
    String(each.pid),
    String(each.parentPid),
    String(each.uid),
    makeSize(each.memoryBytes),
    makeAgo(each.startedAt, task.world.now()),
    each.command,
  ]);
  task.world.output.out(makeTable(columns, rows, tableWidth(task)));
  return EXIT.ok;
}

export async function inspect(task: Task): Promise<number> {
  const pod = podOf(task);
  const { reader } = await task.engine();
  const [state, manifest, plan, resources] = await Promise.all([
    reader.state(pod),
    reader.manifest(pod),
    reader.plan(pod),
    reader.resources(pod),
  ]);
  printJson(task, { state: makePodJson(state), resources, manifest, plan });
  return EXIT.ok;
}

export async function ns(task: Task): Promise<number> {
  const { options, world } = task;
  const pod = podOf(task);
  const other = options.text("diff");
  const against = other === undefined ? { plan: true as const } : { pod: asPodName(other) };
  const report = await (await task.engine()).namespaces({
    pod,
    format: options.text("format") as "table" | "json" | "dot",
    ...(options.has("diff") ? { against } : {}),
  });
  world.output.out(report.text.endsWith("\n") ? report.text : `${report.text}\n`);
  return report.differences === 0 ? EXIT.ok : EXIT.found;
}

function makeStateTable(pod: PodState, task: Task): string {
  const now = task.world.now();
  const lines = [
    `pod      ${pod.pod}`,
    `status   ${makePodStatusWord(pod)}`,
    `ready    ${makeReadyWord(pod)}`,
    `created  ${makeAgo(pod.createdAt, now)}`,
  ];
  if (pod.podIPs !== undefined && pod.podIPs.length > 0) lines.push(`address  ${pod.podIPs.join(", ")}`);
  if (pod.degraded !== undefined) lines.push(`degraded ${pod.degraded}`);
  if (pod.reason !== undefined) lines.push(`reason   ${pod.reason}`);
  if (pod.error !== undefined) lines.push(`error    ${pod.error.message}`);
  const columns = [
    { title: "CONTAINER", gives: true },
    { title: "STATUS" },
    { title: "RESTARTS", align: "right" },
    { title: "PID", align: "right" },
    { title: "STARTED" },
  ] as const;
  const rows = pod.containers.map((container) => [
    container.name,
    makeContainerWords(container, pod, now),
    String(container.attempt),
    container.exit === undefined ? String(container.pid ?? "-") : "-",
    makeAgo(container.startedAt, now),
  ]);
  const messages = pod.containers.flatMap(({ name, message }) =>
    message === undefined ? [] : [`${name}: ${message}`],
  );
  const notes = messages.length === 0 ? "" : `\n${messages.join("\n")}\n`;
  return `${lines.join("\n")}\n\n${makeTable(columns, rows, tableWidth(task))}${notes}`;
}
