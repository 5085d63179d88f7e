// Standard input, and the terminal that it may be. Whoever makes it raw gives it back, however the process ends.

import { isatty, ReadStream, WriteStream } from "node:tty";

export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

export interface Terminal {
  /** Standard input is one. */
  readonly isTerminal: boolean;
  /** Of the terminal on standard output or input; undefined where there is none. */
  size(): TerminalSize | undefined;
  /** Until the returned function is called. */
  onResize(handle: () => void): () => void;
  /** Keys come as they are typed, and Ctrl-C is one of them. Undone by `close`. */
  makeRaw(): Promise<void>;
  /** What is typed or piped, to its end; asked for again only when `take` has resolved. */
  read(take: (bytes: Buffer) => Promise<void> | void): Promise<void>;
  /** Gives the terminal back, and reads no more. */
  close(): void;
}

export function openTerminal(): Terminal {
  const isTerminal = isatty(0);
  const { stdin } = process;
  let isRaw = false;
  const giveBack = () => {
    if (isRaw) (stdin as ReadStream).setRawMode(false);
    isRaw = false;
  };
  process.once("exit", giveBack);
  return {
    isTerminal,
    size() {
      const fd = [1, 0, 2].find((one) => isatty(one));
      if (fd === undefined) return undefined;
      const [columns, rows] = (fd === 1 ? (process.stdout as WriteStream) : new WriteStream(fd)).getWindowSize();
      return { rows, columns };
    },
    onResize(handle) {
      process.on("SIGWINCH", handle);
      return () => void process.off("SIGWINCH", handle);
    },
    async makeRaw() {
      if (!(stdin instanceof ReadStream)) return;
      stdin.setRawMode(true);
      isRaw = true;
      // Node's raw mode still turns a line feed into two signs, which full-screen programs do not bear.
      const { call } = await import("../../base/call.ts");
      await call({ program: "stty", args: ["-opost"], descriptors: [0, 1, 2], ownSession: false });
    },
    async read(take) {
      try {
        for await (const bytes of stdin as AsyncIterable<Buffer>) await take(bytes);
      } catch {
        // A terminal that hung up, or an input that was closed: its end.
      }
    },
    close() {
      giveBack();
      process.off("exit", giveBack);
      stdin.destroy();
    },
  };
}
