// The runtime of a pod, opened as its plan says.

import type { Plan } from "../plan/plan.ts";
import { openRuntime, type Runtime } from "../runtime/runtime.ts";

export function openRuntimeOf({ runtime, paths, sandbox, isUsers }: Plan): Runtime {
  const { driver } = sandbox.cgroup;
  return openRuntime({
    choice: runtime,
    root: paths.runtimeRoot,
    callsDir: paths.calls,
    systemdCgroup: driver === "systemd",
    ...(isUsers ? { userCgroups: driver === "none" ? "none" : "some" } : {}),
  });
}
