// What pods use, as a table and as lines. Pure.

import type { PodStats, StatsFrame, Usage } from "../../engine/engine.ts";
import { makeSize } from "./size-words.ts";
import { makeTable } from "./table.ts";

/** A pod's row, and below it those of its containers. */
export function makeStatsTable({ pods }: StatsFrame, width?: number): string {
  const hasPressure = pods.some(({ pressure }) => pressure !== null);
  const columns = [
    { title: "POD", gives: true },
    { title: "CONTAINER", gives: true },
    { title: "CPU %", align: "right" },
    { title: "MEMORY / LIMIT" },
    { title: "MEM %", align: "right" },
    { title: "NET IN / OUT" },
    { title: "BLOCK R / W" },
    { title: "PIDS", align: "right" },
    ...(hasPressure ? [{ title: "WAITS C/M/I %" }] : []),
  ] as const;
  const rows = pods.flatMap((pod) => [
    [pod.pod, "-", ...makeCells(pod, hasPressure)],
    ...pod.containers.map((container) => ["", container.name, ...makeCells(container, hasPressure)]),
  ]);
  return makeTable(columns, rows, width);
}

/** `2026-11-22T10:00:00.000Z web/server cpu=12.3% memory=1.2MiB …`: a line for each, easily searched. */
export function makeStatsLines({ pods }: StatsFrame): string {
  return pods.map((pod) => makePodLines(pod)).join("");
}

function makePodLines(pod: PodStats): string {
  const lines = [makeLine(pod.pod, pod), ...pod.containers.map((one) => makeLine(`${pod.pod}/${one.name}`, one))];
  return lines.map((line) => `${pod.time} ${line}\n`).join("");
}

function makeLine(name: string, usage: Usage): string {
  const { pressure } = usage;
  return [
    name,
    `cpu=${makePercent(usage.cpuPercent)}`,
    `memory=${makeSize(usage.memoryBytes)}`,
    `limit=${makeSize(usage.memoryLimitBytes)}`,
    `net=${makeSize(usage.netReceivedBytes)}/${makeSize(usage.netSentBytes)}`,
    `block=${makeSize(usage.blockReadBytes)}/${makeSize(usage.blockWrittenBytes)}`,
    `pids=${usage.pids ?? "-"}`,
    ...(pressure === null ? [] : [`waits=${pressure.cpu}/${pressure.memory}/${pressure.io}`]),
  ].join(" ");
}

function makeCells(usage: Usage, hasPressure: boolean): string[] {
  const { pressure } = usage;
  return [
    makePercent(usage.cpuPercent),
    `${makeSize(usage.memoryBytes)} / ${makeSize(usage.memoryLimitBytes)}`,
    makePercent(usage.memoryPercent),
    `${makeSize(usage.netReceivedBytes)} / ${makeSize(usage.netSentBytes)}`,
    `${makeSize(usage.blockReadBytes)} / ${makeSize(usage.blockWrittenBytes)}`,
    String(usage.pids ?? "-"),
    ...(hasPressure ? [pressure === null ? "-" : `${pressure.cpu} ${pressure.memory} ${pressure.io}`] : []),
  ];
}

export function makePercent(value: number | null): string {
  return value === null ? "-" : `${value.toFixed(1)}%`;
}
