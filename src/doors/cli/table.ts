// Rows under titles, aligned by spaces. Pure. What comes from containers cannot steer the terminal.

import { stripVTControlCharacters } from "node:util";

export interface Column {
  readonly title: string;
  readonly align?: "right";
  /** Cut with … where the terminal is too narrow; only the last such column gives way. */
  readonly gives?: true;
}

const GAP = "  ";
const NARROWEST = 8;

/** Ends with a newline. `width`: of the terminal; undefined: nothing is cut. */
export function makeTable(columns: readonly Column[], rows: readonly (readonly string[])[], width?: number): string {
  const cells = [columns.map((column) => column.title), ...rows.map((row) => row.map(cleanText))];
  const widths = columns.map((_, i) => Math.max(...cells.map((row) => (row[i] ?? "").length)));
  const giving = columns.findLastIndex((column) => column.gives);
  const total = widths.reduce((sum, each) => sum + each, GAP.length * (widths.length - 1));
  if (width !== undefined && giving >= 0 && total > width) {
    widths[giving] = Math.max(NARROWEST, (widths[giving] ?? 0) - (total - width));
  }
  const lines = cells.map((row) =>
    columns
      .map((column, i) => {
        const room = widths[i] ?? 0;
        const text = cut(row[i] ?? "", room);
        return column.align === "right" ? text.padStart(room) : text.padEnd(room);
      })
      .join(GAP)
      .trimEnd(),
  );
  return `${lines.join("\n")}\n`;
}

function cut(text: string, room: number): string {
  return text.length <= room ? text : `${text.slice(0, room - 1)}…`;
}

/** An escape sequence in a process's name must not write the screen of who lists it. */
export function cleanText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return stripVTControlCharacters(text).replace(/[\u0000-\u001f\u007f-\u009f]/g, " ");
}
