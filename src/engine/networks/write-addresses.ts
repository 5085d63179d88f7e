// The pod's addresses and name servers into the files that were planned with marks for them.

import { writeFileSync } from "node:fs";
import { withAddresses } from "../../plan/addresses.ts";
import type { Plan } from "../../plan/plan.ts";
import type { PodState } from "../../state/pod-state.ts";

/** In place: they may be mounted already, and a mount stays with its file. */
export function writeAddresses(plan: Plan, state: PodState): void {
  for (const { path, text } of withAddresses(plan, state).sandbox.files) writeFileSync(path, text);
}
