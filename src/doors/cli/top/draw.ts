// A view of `top` as the lines of a screen: never more lines than it has rows, nor wider than its columns. Pure.

import { makeSize } from "../size-words.ts";
import { makePercent } from "../stats-words.ts";
import { makeBar, makeSparkline } from "./graphs.ts";
import { listRows, type Row, type View } from "./view.ts";

export interface Screen {
  readonly columns: number;
  readonly rows: number;
  readonly hasColors: boolean;
}

/** Lines that are not rows of the list: two of the machine, one empty, the titles, and the keys. */
const FRAME_LINES = 5;

interface Column {
  readonly title: string;
  readonly width: number;
  readonly align?: "right";
  /** Those of a lower number stay longest where the screen is narrow. */
  readonly rank: number;
  cell(row: Row, view: View): string;
}

const COLUMNS: readonly Column[] = [
  { title: "STATUS", width: 8, rank: 7, cell: ({ status }) => status },
  { title: "CPU", width: 7, align: "right", rank: 1, cell: ({ usage }) => makePercent(usage.cpuPercent) },
  {
    title: "",
    width: 6,
    rank: 4,
    cell: ({ usage }, view) => makeBar((usage.cpuPercent ?? 0) / (100 * cpusOf(view)), 6),
  },
  {
    title: "",
    width: 8,
    rank: 3,
    cell: ({ id }, view) => makeSparkline(view.history.get(id)?.cpu ?? [], 8, 100),
  },
  { title: "MEMORY", width: 7, align: "right", rank: 2, cell: ({ usage }) => makeSize(usage.memoryBytes) },
  { title: "", width: 6, rank: 5, cell: ({ usage }) => makeBar((usage.memoryPercent ?? 0) / 100, 6) },
  {
    title: "",
    width: 8,
    rank: 6,
    cell: ({ id, usage }, view) =>
      makeSparkline(view.history.get(id)?.memory ?? [], 8, usage.memoryLimitBytes ?? undefined),
  },
  { title: "PIDS", width: 4, align: "right", rank: 8, cell: ({ usage }) => String(usage.pids ?? "-") },
  {
    title: "NET IN / OUT",
    width: 17,
    rank: 9,
    cell: ({ usage }) => `${makeSize(usage.netReceivedBytes)} / ${makeSize(usage.netSentBytes)}`,
  },
  {
    title: "BLOCK R / W",
    width: 17,
    rank: 10,
    cell: ({ usage }) => `${makeSize(usage.blockReadBytes)} / ${makeSize(usage.blockWrittenBytes)}`,
  },
  {
    title: "WAITS C/M/I",
    width: 14,
    rank: 11,
    cell: ({ usage: { pressure } }) => (pressure === null ? "-" : `${pressure.cpu} ${pressure.memory} ${pressure.io}`),
  },
];

const NARROWEST_NAME = 12;
const WIDEST_NAME = 40;
const KEYS = "arrows move  enter open  e all  sort: c cpu m memory p pids n name  q quit";

/** How many rows of the list the screen holds. */
export function pageOf({ rows }: Screen): number {
  return Math.max(1, rows - FRAME_LINES);
}

export function drawTop(view: View, screen: Screen): readonly string[] {
  const rows = listRows(view);
  const at = Math.max(
    0,
    rows.findIndex(({ id }) => id === view.selected),
  );
  const page = pageOf(screen);
  // The selected row stays in sight; where all fit nothing moves.
  const first = Math.min(Math.max(0, rows.length - page), Math.max(0, at - Math.floor(page / 2)));
  const columns = chooseColumns(view, screen.columns);
  const nameWidth = widthOfName(rows, columns, screen.columns);
  const list = rows.slice(first, first + page).map((row, i) => {
    const text = fit(makeRow(row, view, columns, nameWidth), screen.columns);
    if (first + i === at) return paint(text, "7", screen);
    return row.isPod ? paint(text, "1", screen) : text;
  });
  const titles = [pad("POD", nameWidth), ...columns.map((one) => align(titleOf(one, view), one))].join(" ");
  const lines = [
    ...makeHead(view, screen),
    "",
    paint(fit(titles, screen.columns), "4", screen),
    ...(view.frame === undefined ? ["looking ..."] : rows.length === 0 ? ["no pods"] : list),
  ];
  const body = Array.from({ length: Math.max(0, screen.rows - 1) }, (_, i) => fitIfPlain(lines[i] ?? "", screen));
  return [...body, paint(fit(KEYS, screen.columns), "2", screen)].slice(0, Math.max(1, screen.rows));
}

function makeHead(view: View, screen: Screen): string[] {
  const pods = view.frame?.pods ?? [];
  const containers = pods.reduce((sum, pod) => sum + pod.containers.length, 0);
  const total = (of: (pod: (typeof pods)[number]) => number | null) =>
    pods.reduce((sum, pod) => sum + (of(pod) ?? 0), 0);
  const cpu = total(({ cpuPercent }) => cpuPercent);
  const memory = total(({ memoryBytes }) => memoryBytes);
  const machine = view.frame?.machine ?? { cpus: 1, memoryBytes: 1 };
  const time = view.frame?.time.slice(11, 19) ?? "";
  const count = `${pods.length} ${pods.length === 1 ? "pod" : "pods"}, ${containers} ${containers === 1 ? "container" : "containers"}`;
  const bars =
    view.frame === undefined
      ? ""
      : `cpu ${makeBar(cpu / (100 * machine.cpus), 10)} ${makePercent(cpu)} of ${machine.cpus * 100}%   ` +
        `memory ${makeBar(memory / machine.memoryBytes, 10)} ${makeSize(memory)} of ${makeSize(machine.memoryBytes)}`;
  return [
    paint(fit(`peapod top  ${count}  by ${view.sort}  ${time}`, screen.columns), "1", screen),
    fit(bars, screen.columns),
  ];
}

function makeRow(row: Row, view: View, columns: readonly Column[], nameWidth: number): string {
  const sign = row.isPod ? (row.isOpen ? "▾ " : "▸ ") : "    ";
  return [pad(`${sign}${row.name}`, nameWidth), ...columns.map((one) => align(one.cell(row, view), one))].join(" ");
}

/** The titles of graphs are those of the figures beside them; the column that sorts is marked. */
function titleOf({ title }: Column, { sort }: View): string {
  return title.toLowerCase() === sort ? `${title}▼`.slice(-7) : title;
}

/** As many as there is room for, the most important first, in their usual order. */
function chooseColumns(view: View, width: number): readonly Column[] {
  const hasPressure = (view.frame?.pods ?? []).some(({ pressure }) => pressure !== null);
  let room = width - NARROWEST_NAME;
  const chosen = new Set<Column>();
  for (const column of [...COLUMNS].sort((a, b) => a.rank - b.rank)) {
    if (column.title.startsWith("WAITS") && !hasPressure) continue;
    if (room < column.width + 1) break;
    room -= column.width + 1;
    chosen.add(column);
  }
  return COLUMNS.filter((column) => chosen.has(column));
}

function widthOfName(rows: readonly Row[], columns: readonly Column[], width: number): number {
  const longest = Math.max(...rows.map(({ name }) => name.length + 5), NARROWEST_NAME);
  const room = width - columns.reduce((sum, column) => sum + column.width + 1, 0);
  return Math.max(1, Math.min(longest, room, WIDEST_NAME));
}

function cpusOf({ frame }: View): number {
  return frame?.machine.cpus ?? 1;
}

function align(text: string, { width, align }: Column): string {
  return align === "right" ? fit(text, width).padStart(width) : pad(text, width);
}

function pad(text: string, width: number): string {
  return fit(text, width).padEnd(width);
}

function fit(text: string, width: number): string {
  return text.length <= width ? text : width < 2 ? text.slice(0, width) : `${text.slice(0, width - 1)}…`;
}

/** Painted lines were fitted before; their escape sequences take no room. */
function fitIfPlain(text: string, { columns }: Screen): string {
  return text.includes("\u001b") ? text : fit(text, columns);
}

function paint(text: string, code: string, { hasColors }: Screen): string {
  return hasColors && text !== "" ? `\u001b[${code}m${text}\u001b[0m` : text;
}
