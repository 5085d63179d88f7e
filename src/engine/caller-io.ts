// The only member of a pod in a caller's container gets the caller's own stdin, stdout and stderr: pipes or a terminal,
// with nobody between.

import { constants, openSync } from "node:fs";
import { errnoOf, PeapodError } from "../base/errors.ts";
import type { OuterContainer } from "../plan/outer.ts";
import type { ContainerIo, Writers } from "./container-io.ts";

/** `outer`: its first process has the caller's descriptors as its own. */
export function makeCallerIo(outer: OuterContainer): ContainerIo {
  return {
    isAlive: () => true,
    open: async () => undefined,
    recover: () => true,
    endUnused: async () => undefined,
    openWriters: () => openCallersDescriptors(outer),
    takeDead: () => [],
    release: () => undefined,
  };
}

function openCallersDescriptors({ pid }: OuterContainer): Writers {
  const open = (fd: number, flags: number) => {
    const path = `/proc/${pid}/fd/${fd}`;
    try {
      // A terminal must not become ours.
      return openSync(path, flags | constants.O_NOCTTY);
    } catch (error) {
      const why = errnoOf(error) === "ENXIO" ? "is a socket" : `cannot be opened (${errnoOf(error)})`;
      throw new PeapodError("NOT_SUPPORTED", `pod: descriptor ${fd} of its container ${why}`, { cause: error });
    }
  };
  return {
    stdin: open(0, constants.O_RDONLY),
    stdout: open(1, constants.O_WRONLY),
    stderr: open(2, constants.O_WRONLY),
  };
}
