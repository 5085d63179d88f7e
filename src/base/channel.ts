// Starts a helper of ours that holds the other end of a socket as descriptor 3: it carries bytes, or ends everything of
// its own when that socket closes, also because this process was killed.

import { spawn } from "node:child_process";
import { Socket } from "node:net";
import { errnoOf } from "./errors.ts";

export interface ChannelEnd {
  /** Undefined where it could not be started, or a signal ended it. */
  readonly exitCode: number | undefined;
  /** What it said on stderr, at most a kilobyte; why it could not be started. */
  readonly words: string;
}

export interface Channel {
  readonly socket: Socket;
  /** Never rejects. The helper is gone, and all that it said has been read. */
  readonly ended: Promise<ChannelEnd>;
  /** Closes the socket and waits for the helper's end; one that does not end by itself is killed. */
  close(): Promise<ChannelEnd>;
}

const MOST_WORDS = 1024;
/** For a helper that has descendants to kill; far more than it takes. */
const PATIENCE_MS = 3000;

export function openChannel(program: string, args: readonly string[]): Channel {
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe", "pipe"], detached: true });
  // None where descriptors have run out; then `ended` tells.
  const socket = (child.stdio?.[3] as Socket | null | undefined) ?? new Socket();
  // Whoever uses the socket looks for errors himself; one that comes later is nobody's.
  socket.on("error", () => undefined);
  let words = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    words = (words + text).slice(0, MOST_WORDS);
  });
  const ended = new Promise<ChannelEnd>((resolve) => {
    child.once("error", (error) => {
      socket.destroy();
      if (child.pid === undefined)
        resolve({ exitCode: undefined, words: `${program}: ${errnoOf(error) ?? error.message}` });
    });
    child.once("exit", (code) => {
      const tell = () => resolve({ exitCode: code ?? undefined, words: words.trim() });
      // Not `close`: the socket may still hold bytes that nobody has read yet.
      if (child.stderr === null || child.stderr.closed) tell();
      else child.stderr.once("close", tell);
    });
  });
  return {
    socket,
    ended,
    async close() {
      socket.destroy();
      const patience = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
      try {
        return await ended;
      } finally {
        clearTimeout(patience);
      }
    },
  };
}
