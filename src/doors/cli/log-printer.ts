// Log entries to lines on the terminal: prefix, time, and pieces of long lines put together again. Knows no source.

import type { LogEntry } from "../../engine/engine.ts";
import type { Output } from "./output.ts";

/** Pieces of one unended line kept in memory before they are printed as they are. */
const MOST_KEPT_CHARACTERS = 1_048_576;
const COLORS = [36, 33, 32, 35, 34, 96, 93, 92, 95, 94];

export interface LogPrinter {
  print(container: string, entry: LogEntry): void;
  /** A remark of our own about a container, on stderr, behind its prefix. */
  remark(container: string, text: string): void;
  /** Prints lines that never ended. With a name: of that container alone. */
  flush(container?: string): void;
}

export interface PrinterStyle {
  /** Containers that may write; with more than one each line is prefixed. */
  readonly containers: readonly string[];
  readonly timestamps: boolean;
  /** Each line is prefixed though there is one container. */
  readonly names?: boolean;
}

export function makeLogPrinter(output: Output, style: PrinterStyle): LogPrinter {
  const hasColors = output.hasColors;
  const width = Math.max(0, ...style.containers.map((name) => name.length));
  const prefixes = new Map(style.containers.map((name, i) => [name, makePrefix(name, i)]));
  /** Key: container and stream. */
  const unended = new Map<string, { container: string; entry: LogEntry; texts: string[]; size: number }>();

  function makePrefix(name: string, i: number): string {
    if (style.containers.length < 2 && !style.names) return "";
    const text = `${name.padEnd(width)} | `;
    return hasColors ? `\u001b[${COLORS[i % COLORS.length]}m${text}\u001b[0m` : text;
  }

  function writeLine(container: string, entry: LogEntry, text: string): void {
    const time = style.timestamps ? `${entry.time} ` : "";
    const line = `${prefixes.get(container) ?? ""}${time}${text}\n`;
    if (entry.stream === "stdout") output.out(line);
    else output.err(line);
  }

  return {
    print(container, entry) {
      const key = `${container} ${entry.stream}`;
      const kept = unended.get(key);
      if (kept === undefined && !entry.partial) return writeLine(container, entry, entry.text);
      const line = kept ?? { container, entry, texts: [], size: 0 };
      line.texts.push(entry.text);
      line.size += entry.text.length;
      if (entry.partial && line.size < MOST_KEPT_CHARACTERS) unended.set(key, line);
      else {
        unended.delete(key);
        writeLine(container, line.entry, line.texts.join(""));
      }
    },
    remark(container, text) {
      output.err(`${prefixes.get(container) ?? ""}${text}\n`);
    },
    flush(container) {
      for (const [key, line] of unended) {
        if (container !== undefined && line.container !== container) continue;
        unended.delete(key);
        writeLine(line.container, line.entry, line.texts.join(""));
      }
    },
  };
}
