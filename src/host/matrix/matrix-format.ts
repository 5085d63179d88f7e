// A namespace matrix for people: containers as rows, kinds as columns, and a legend of only what is there. What a
// container has for itself is a mere dot, so that what is shared meets the eye. Pure.

import { NAMESPACE_KINDS } from "../../plan/plan.ts";
import type { MatrixCell, NamespaceMatrix } from "./matrix.ts";
import type { CommonNamespace, MatrixDifference } from "./matrix-diff.ts";

/** How a door may colour a cell: by scope, and a group by its number. */
export type Tone = MatrixCell["scope"] | "name" | number;

export interface TableCell {
  readonly text: string;
  readonly tone: Tone;
}

export interface MatrixTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly TableCell[])[];
  /** Sign and meaning. */
  readonly legend: readonly (readonly [string, string])[];
}

const PRIVATE = "·";
const UNKNOWN = "?";

export function makeMatrixTable(matrix: NamespaceMatrix): MatrixTable {
  const rows = matrix.rows.map(({ name, cells }) => [
    { text: name, tone: "name" as const },
    ...NAMESPACE_KINDS.map((kind) => makeTableCell(cells[kind])),
  ]);
  const used = new Set(rows.flat().map((cell) => cell.text));
  const meanings: (readonly [string, string])[] = [
    ["pod", "the pod's: shared by all of its containers"],
    ...matrix.groups.map(({ letter, members }) => [letter, `shared by ${inWords(members)}`] as const),
    ["host", "the machine's own"],
    [PRIVATE, "its own, shared with nobody"],
    [UNKNOWN, "not known: no process is in it"],
  ];
  return {
    columns: ["CONTAINER", ...NAMESPACE_KINDS],
    rows,
    legend: meanings.filter(([sign]) => used.has(sign)),
  };
}

/** The table as plain text, with its legend below. */
export function formatMatrix(matrix: NamespaceMatrix): string {
  const { columns, rows, legend } = makeMatrixTable(matrix);
  const table = [columns, ...rows.map((row) => row.map((cell) => cell.text))];
  return `${align(table)}\n${align(legend)}`;
}

/** One line for each difference; empty text where there is none. */
export function formatDifference(difference: MatrixDifference, left: string, right: string): string {
  const lines = [
    ...difference.cells.map((cell) => [cell.container, cell.kind, describeCell(cell.left), describeCell(cell.right)]),
    ...difference.onlyLeft.map((name) => [name, "", "there", "not there"]),
    ...difference.onlyRight.map((name) => [name, "", "not there", "there"]),
  ];
  return lines.length === 0 ? "" : align([["CONTAINER", "NAMESPACE", left, right], ...lines]);
}

/** Sentences for namespaces in which containers of two pods are. */
export function formatCommon(common: readonly CommonNamespace[], left: string, right: string): string {
  return common
    .map((one) => `${one.kind}: ${inWords(one.left)} of ${left} and ${inWords(one.right)} of ${right} share one\n`)
    .join("");
}

export function describeCell(cell: MatrixCell): string {
  switch (cell.scope) {
    case "host":
      return "the host's";
    case "pod":
      return "the pod's";
    case "private":
      return "its own";
    case "group":
      return `shared with ${inWords(cell.sharedWith)}`;
    case "unknown":
      return "not known";
  }
}

function makeTableCell(cell: MatrixCell): TableCell {
  switch (cell.scope) {
    case "group":
      return { text: cell.letter ?? UNKNOWN, tone: (cell.letter ?? "A").charCodeAt(0) - 65 };
    case "private":
      return { text: PRIVATE, tone: cell.scope };
    case "unknown":
      return { text: UNKNOWN, tone: cell.scope };
    default:
      return { text: cell.scope, tone: cell.scope };
  }
}

function inWords(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? "nobody") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

function align(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map(
      (row) =>
        `${row
          .map((text, column) => text.padEnd(widths[column] ?? 0))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}
