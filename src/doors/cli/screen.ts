// The user's terminal as a screen of our own: the alternate screen, raw keys, its size. However the process ends (but by
// SIGKILL), the terminal is given back as it was.

import { writeSync } from "node:fs";

export interface Screen {
  readonly columns: number;
  readonly rows: number;
  onKeys(handle: (text: string) => void): void;
  onResize(handle: () => void): void;
  /** Gives the terminal back; may be called again. */
  close(): void;
}

/** Alternate screen, no cursor, no wrapping at the right edge; and back, in reverse. */
const ENTER = "\u001b[?1049h\u001b[?25l\u001b[?7l";
const LEAVE = "\u001b[?7h\u001b[?25h\u001b[?1049l";

/** Undefined where standard input or output is no terminal. */
export function openScreen(): Screen | undefined {
  const { stdin, stdout } = process;
  if (!stdin.isTTY || !stdout.isTTY) return undefined;
  let isOpen = true;
  const close = () => {
    if (!isOpen) return;
    isOpen = false;
    process.off("exit", close);
    try {
      stdin.setRawMode(false);
      writeSync(1, LEAVE);
    } catch {
      // The terminal itself is gone: there is nothing to give back.
    }
    stdin.pause();
  };
  process.on("exit", close);
  stdin.setRawMode(true);
  writeSync(1, ENTER);
  // Its other end may go away at any moment; SIGHUP tells us.
  stdin.on("error", () => undefined);
  return {
    get columns() {
      return stdout.columns || 80;
    },
    get rows() {
      return stdout.rows || 24;
    },
    onKeys(handle) {
      stdin.setEncoding("utf8").on("data", (text) => handle(String(text)));
      stdin.resume();
    },
    onResize: (handle) => void stdout.on("resize", handle),
    close,
  };
}
