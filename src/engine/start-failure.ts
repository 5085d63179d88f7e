// What is said to who waits for a container that did not come up.

import { PeapodError } from "../base/errors.ts";
import type { ContainerState } from "../state/pod-state.ts";

/** `what`: `did not start`, `did not start again`. */
export function makeStartFailure({ name, message = "" }: ContainerState, what: string): PeapodError {
  const whose = `container ${name}: `;
  const why = message.startsWith(whose) ? message.slice(whose.length) : message;
  return new PeapodError("RUNTIME_FAILED", `${whose}${what}: ${why}`);
}
