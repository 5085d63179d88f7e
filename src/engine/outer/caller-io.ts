// The only member of a pod in a caller's container gets the caller's own stdin, stdout and stderr: pipes or a terminal,
// with nobody between.

import type { OuterContainer } from "../../plan/outer.ts";
import type { ContainerIo } from "../container-io.ts";

/** The container's first process has the caller's descriptors as its own. */
export function makeCallerIo({ pid }: OuterContainer): ContainerIo {
  return {
    isAlive: () => true,
    open: async () => undefined,
    recover: () => true,
    endUnused: async () => undefined,
    openWriters: () => ({ stdin: { pid, fd: 0 }, stdout: { pid, fd: 1 }, stderr: { pid, fd: 2 } }),
    takeDead: () => [],
    awaited: () => ({ pids: [], since: [] }),
    drained: async () => undefined,
    release: () => undefined,
  };
}
