// What the engine asks of whoever carries its containers' output.

import type { Descriptor } from "../base/swift-call.ts";
import type { PlannedContainer } from "../plan/plan.ts";

export type Writers = { readonly [stream in "stdin" | "stdout" | "stderr"]: Descriptor } & {
  /** Instead of them: where io waits for the container's terminal. */
  readonly console?: { readonly path: string };
  /** Held open while that path is needed. */
  readonly consoleDir?: Descriptor;
};

export interface IoLife {
  /** 0 for the container's first. */
  readonly attempt: number;
  /** One was there before and died. */
  readonly resumed?: boolean;
}

export interface ContainerIo {
  isAlive(container: PlannedContainer): boolean;
  /** Starts the io of one of the container's attempts unless it runs. */
  open(container: PlannedContainer, life: IoLife): Promise<void>;
  /** After a supervisor's death: takes over the container's io. False where it died early, so that another is needed. */
  recover(container: PlannedContainer): boolean;
  /** Ends the io of a container that was never made. */
  endUnused(container: PlannedContainer): Promise<void>;
  /** Descriptors for the container's first process, to be closed by the asker. */
  openWriters(container: PlannedContainer): Writers;
  /** The containers whose io has died early since the last call. */
  takeDead(): PlannedContainer[];
  /** Whose ends it looks for in `exits`, and since where of those whom it just starts. */
  awaited(): { readonly pids: readonly number[]; readonly since: readonly number[] };
  /** Resolves when all that the container wrote has been carried to its end, or after a while. */
  drained(container: PlannedContainer): Promise<void>;
  release(container: PlannedContainer): void;
}
