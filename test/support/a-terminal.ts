// Somebody at a terminal, for tests: types, looks, pulls at the window's corner. python3 has the pty that Node lacks.

import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { BIN, type PeapodHost } from "./peapod-host.ts";
import { patient } from "./slowness.ts";
import { waitUntil } from "./wait-until.ts";

const MOST_MS = 60_000;
const DRIVER = join(import.meta.dirname, "at-terminal.py");

/** Why such a test has to be skipped, if so. */
export const NO_TERMINAL = spawnSync("python3", ["-c", "import pty"]).status === 0 ? false : "needs python3 for a pty";

export interface EndOfTerminal {
  /** Negative: killed by that signal. */
  readonly status: number;
  /** Its modes are what they were before. */
  readonly restored: boolean;
}

export class ATerminal {
  readonly #child;
  #said = "";
  /** From where on `sees` looks. */
  #from = 0;
  readonly #ended: Promise<EndOfTerminal>;

  /** `peapod ARGS...` on a terminal of so many rows and columns. */
  constructor(host: PeapodHost, args: readonly string[], rows = 24, columns = 80, env: NodeJS.ProcessEnv = {}) {
    const words = [DRIVER, String(rows), String(columns), join(BIN, "peapod"), ...args];
    this.#child = spawn("python3", words, {
      cwd: host.dir,
      env: { ...process.env, TERM: "xterm", PEAPOD_ROOT: host.root, PEAPOD_NETWORK: "none", ...env },
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#child.stdin.on("error", () => undefined);
    this.#child.stdout.setEncoding("latin1").on("data", (text: string) => {
      this.#said += text;
    });
    this.#ended = new Promise((resolve, reject) => {
      this.#child.once("close", () => {
        const [, end] = this.#said.split("\0");
        if (end === undefined) reject(new Error(`the terminal broke: ${this.#said}`));
        else resolve(JSON.parse(end) as EndOfTerminal);
      });
    });
  }

  /** @throws Error with the screen, where the end does not come */
  get ended(): Promise<EndOfTerminal> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`the terminal is still in use:\n${this.screen}`)), patient(MOST_MS));
    });
    return Promise.race([this.#ended, late]).finally(() => clearTimeout(timer));
  }

  get screen(): string {
    return this.#said.split("\0")[0] ?? "";
  }

  type(text: string): void {
    this.#ask({ type: text });
  }

  /** Again and again, for as long as what is typed may find nobody; at a person's pace, since a terminal holds 4 KiB. */
  async typesUntil(text: string, isSeen: () => boolean): Promise<void> {
    let typedAtMs = 0;
    await waitUntil(`${JSON.stringify(text)} is answered`, () => {
      if (isSeen()) return true;
      if (Date.now() - typedAtMs > patient(500)) {
        typedAtMs = Date.now();
        this.type(text);
      }
      return false;
    });
  }

  resize(rows: number, columns: number): void {
    this.#ask({ size: [rows, columns] });
  }

  signal(number: number): void {
    this.#ask({ signal: number });
  }

  /** Waits until it is shown, after what was waited for before. @throws Error with the screen */
  async sees(what: RegExp): Promise<void> {
    const find = () => what.exec(this.screen.slice(this.#from));
    await waitUntil(`${what} is on the screen`, () => find() !== null).catch((error: unknown) => {
      throw new Error(`${error}\n${this.screen}`);
    });
    const found = find();
    this.#from += (found?.index ?? 0) + (found?.[0].length ?? 0);
  }

  #ask(what: object): void {
    this.#child.stdin.write(`${JSON.stringify(what)}\n`);
  }
}
