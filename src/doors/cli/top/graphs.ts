// Bars and sparklines out of characters of one cell each. Pure.

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
const LEVELS = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/** `share` 0 to 1; more is full. Always `width` characters. */
export function makeBar(share: number, width: number): string {
  const eighths = Math.round(Math.min(Math.max(share || 0, 0), 1) * width * 8);
  const bar = "█".repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? "");
  return bar.padEnd(width, "·");
}

/** The last `width` values, the newest on the right. `top`: what fills a cell, where that is more than the largest. */
export function makeSparkline(values: readonly number[], width: number, top = 0): string {
  const shown = values.slice(-width);
  const most = Math.max(top, ...shown, Number.EPSILON);
  const cells = shown.map((value) => LEVELS[Math.min(7, Math.max(0, Math.ceil((value / most) * 8) - 1))]);
  return cells.join("").padStart(width);
}
