// What a pod without a cgroup cannot do, in one sentence.

import { PeapodError } from "../base/errors.ts";
import type { Plan } from "../plan/plan.ts";

/** @throws HOST_LACKS for a user's pod where no cgroup was handed down to him */
export function assertHasCgroup({ pod, sandbox }: Plan, what: string): void {
  if (sandbox.cgroup.driver !== "none") return;
  throw new PeapodError("HOST_LACKS", `pod ${pod}: cannot be ${what}, it has no cgroup: none was handed down to you`, {
    hint: "docs/rootless.md says where users get one",
  });
}
