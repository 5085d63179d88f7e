// How wide the window of a terminal is at this moment, by any descriptor of it. Node knows that of its own standard
// streams alone, and hears of a change only in the foreground.

import { closeSync, constants, openSync } from "node:fs";
import { WriteStream } from "node:tty";

/** Undefined where it is no terminal, or may not be opened. The descriptor stays as it is: Node gets another. */
export function readColumns(fd: number): number | undefined {
  let own: number | undefined;
  try {
    // A supervisor leads a session, and must not come by a terminal.
    own = openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NOCTTY);
    const terminal = new WriteStream(own);
    const [columns] = terminal.getWindowSize();
    terminal.destroy();
    return columns || undefined;
  } catch {
    return undefined;
  } finally {
    if (own !== undefined) closeSync(own);
  }
}
