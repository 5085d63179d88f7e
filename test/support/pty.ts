// A command on a terminal of its own, made by script(1): its keys, its size, and how it leaves the terminal.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { waitUntil } from "./wait-until.ts";

export interface Pty {
  /** All that was written to the terminal. */
  readonly text: string;
  press(keys: string): void;
  resize(columns: number, rows: number): void;
  /** Its process, as the shell knows it. */
  pid(): number;
  readonly child: ChildProcess;
  /** Its exit status, and whether the terminal's settings are what they were. */
  ended(): Promise<{ readonly status: number; readonly isRestored: boolean }>;
}

/** False where script(1) is not installed. */
export const hasPty = spawnSync("script", ["--version"]).status === 0;

/** `dir`: for small files of ours. */
export async function startInPty(command: string, dir: string, env: NodeJS.ProcessEnv = {}): Promise<Pty> {
  const file = (name: string) => join(dir, name);
  const shell = [
    "stty rows 24 cols 80",
    `tty > ${file("tty")}`,
    `stty -g > ${file("before")}`,
    `sh -c 'echo $$ > ${file("pid")}; exec ${command}'`,
    `echo $? > ${file("status")}`,
    `stty -g > ${file("after")}`,
  ].join("; ");
  const child = spawn("script", ["-qfc", shell, "/dev/null"], {
    env: { ...process.env, TERM: "xterm", ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const over = new Promise<void>((resolve) => child.once("close", () => resolve()));
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (piece: string) => {
    text += piece;
  });
  const read = (name: string): string => {
    try {
      return readFileSync(file(name), "utf8").trim();
    } catch {
      return "";
    }
  };
  await waitUntil("the command runs on its terminal", () => read("pid") !== "", 10_000);
  return {
    child,
    get text() {
      return text;
    },
    press: (keys) => void child.stdin.write(keys),
    resize: (columns, rows) =>
      void spawnSync("stty", ["-F", read("tty"), "rows", String(rows), "cols", String(columns)]),
    pid: () => Number(read("pid")),
    async ended() {
      await over;
      return { status: Number(read("status")), isRestored: read("after") !== "" && read("after") === read("before") };
    },
  };
}
