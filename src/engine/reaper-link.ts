// The descriptors that the reaper hands to each supervisor, and what is said over them.
// See src/exits/reaper.c for the other end.

import { closeSync, openSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import type { PodName } from "../base/names.ts";

/** Fixed numbers; the reaper closes all others. */
export const FD = { control: 3, bell: 4, launcher: 5, userOut: 6, userErr: 7, settle: 8 } as const;

/** The caller who started the pod and waits for one answer. */
export interface Launcher {
  /** Aborted when the caller gave up (Ctrl-C, killed) before it was answered. */
  readonly gone: AbortSignal;
  /** Set for a caller that is a program and waits for a line of its own: tells it, and throws where it is gone. */
  readonly confirm?: (pod: PodName) => void;
  /** Hands `status` (0 to 255) to the caller, which ends with it, and lets go of his terminal. Once. */
  answer(status: number): void;
}

export function openLauncher(): Launcher {
  const gone = new AbortController();
  const socket = new Socket({ fd: FD.launcher, readable: true, writable: true, allowHalfOpen: true });
  let answered = false;
  const leave = () => {
    if (!answered) gone.abort();
  };
  // A caller who gives up closes his half and waits for the answer that all is undone.
  socket.on("end", leave);
  socket.on("error", leave);
  socket.on("close", leave);
  socket.resume();
  // Waiting for the caller's end must not keep a supervisor awake that could sleep.
  socket.unref();
  return {
    gone: gone.signal,
    answer(status) {
      if (answered) return;
      answered = true;
      try {
        writeSync(FD.launcher, Buffer.from([status]));
      } catch {
        // The caller is gone: nobody is left to be told.
      }
      socket.destroy();
      closeUserDescriptors();
    },
  };
}

/** The caller's `| cat` must see the end of our output, so nothing of ours may keep it open. */
function closeUserDescriptors(): void {
  for (const fd of [FD.userOut, FD.userErr]) {
    try {
      closeSync(fd);
      // Keeps the number taken, so that no later file of ours is written to as "the user".
      openSync("/dev/null", "w");
    } catch {
      // Closed already.
    }
  }
}
