// The reaper's bell: a pipe on which each byte means "look into `exits`", and whose end means that the reaper died.

import { Socket } from "node:net";

export interface Bell {
  /** Stops listening; neither callback is called any more. */
  close(): void;
}

/**
 * `onRing`: once for all rings that came together. `onEnd`: once, the reaper is dead.
 * Keeps the process alive as long as there is a reaper: a supervisor ends because it decides to, never because it
 * happened to wait for nothing else; the reaper would take that for a crash.
 */
export function watchBell(fd: number, onRing: () => void, onEnd: () => void): Bell {
  const pipe = new Socket({ fd, readable: true, writable: false });
  let isOpen = true;
  const end = () => {
    if (!isOpen) return;
    isOpen = false;
    onEnd();
  };
  pipe.on("data", () => {
    if (isOpen) onRing();
  });
  pipe.on("end", end);
  pipe.on("error", end);
  pipe.on("close", end);
  return {
    close() {
      isOpen = false;
      pipe.destroy();
    },
  };
}
