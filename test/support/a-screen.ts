// What somebody sees of what is written to a terminal: the few sequences that a line needs which is drawn anew. When its
// window becomes narrower, some terminals break lines anew (VTE, kitty, tmux), others cut them (xterm, the console).

export interface AScreenOptions {
  readonly columns: number;
  readonly breaksLines: boolean;
}

export class AScreen {
  #columns: number;
  readonly #breaksLines: boolean;
  /** Each as long as it was written, over as many rows as it takes. */
  readonly #lines: string[] = [""];
  #line = 0;
  #offset = 0;
  #wraps = true;

  constructor({ columns, breaksLines }: AScreenOptions) {
    this.#columns = columns;
    this.#breaksLines = breaksLines;
  }

  resize(columns: number): void {
    this.#columns = columns;
    if (this.#breaksLines) return;
    this.#lines.forEach((line, index) => {
      this.#lines[index] = line.slice(0, columns);
    });
    this.#offset = Math.min(this.#offset, columns - 1);
  }

  get wraps(): boolean {
    return this.#wraps;
  }

  /** Without those that are empty at the end. */
  get rows(): string[] {
    const rows = this.#lines.flatMap((line) => line.match(new RegExp(`.{1,${this.#columns}}`, "gu")) ?? [""]);
    while (rows.at(-1)?.trim() === "") rows.pop();
    return rows.map((row) => row.trimEnd());
  }

  /** @throws Error for a sequence that it does not know */
  write(text: string): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    for (const [part] of text.matchAll(/\x1b\[[?\d;]*[A-Za-z]|./gsu)) {
      if (part === "\r") this.#offset -= this.#offset % this.#columns;
      else if (part === "\n") this.#feed();
      else if (part === "\x1b[J") this.#erase();
      else if (part === "\x1b[?7l" || part === "\x1b[?7h") this.#wraps = part.endsWith("h");
      else if (part < " ") throw new Error(`unknown: ${JSON.stringify(part)}`);
      else this.#put(part);
    }
  }

  #put(sign: string): void {
    const line = (this.#lines[this.#line] ?? "").padEnd(this.#offset);
    this.#lines[this.#line] = line.slice(0, this.#offset) + sign + line.slice(this.#offset + 1);
    const isAtEdge = this.#offset % this.#columns === this.#columns - 1;
    if (this.#wraps || !isAtEdge) this.#offset += 1;
  }

  #feed(): void {
    const row = Math.floor(this.#offset / this.#columns);
    const line = this.#lines[this.#line] ?? "";
    if (line.length > (row + 1) * this.#columns) this.#offset += this.#columns;
    else {
      this.#offset %= this.#columns;
      this.#line += 1;
      this.#lines[this.#line] ??= "";
    }
  }

  #erase(): void {
    this.#lines.splice(this.#line, this.#lines.length, (this.#lines[this.#line] ?? "").slice(0, this.#offset));
  }
}
