// The runtime of members that live below a caller's cgroup: what cgroup version 2 asks for is done before a member is made.

import { startIdle } from "../../base/swift-call.ts";
import { makeOciResources } from "../../bundle/oci-resources.ts";
import { findCallersDir, leaveCaller, moveCallerAside, putBelowCaller } from "../../host/cgroups/callers-cgroup.ts";
import type { HostFacts } from "../../host/facts.ts";
import type { Plan } from "../../plan/plan.ts";
import type { Runtime } from "../../runtime/runtime.ts";

/** `idleProgram`: one that waits for words on its standard input, and ends with it. */
export function openMembersRuntime(runtime: Runtime, plan: Plan, facts: HostFacts, idleProgram: string): Runtime {
  const dir = plan.outer === undefined ? undefined : findCallersDir(plan.sandbox.cgroup.path, facts);
  if (dir === undefined) return runtime;
  const hasLimits = plan.containers.some(({ resources }) => Object.keys(makeOciResources(resources)).length > 0);
  const around = hasLimits ? makeAside(dir) : makeCompany(dir, idleProgram);
  return {
    ...runtime,
    create: (request) => around(() => runtime.create(request)),
    run: (request) => around(() => runtime.run(request)),
    update: (id, resources) => makeAside(dir)(() => runtime.update(id, resources)),
  };
}

type Around = <T>(work: () => Promise<T>) => Promise<T>;

/** Asked each time: a caller may have put a process of his own there meanwhile. */
function makeAside(dir: string): Around {
  return async (work) => {
    await moveCallerAside(dir);
    return work();
  };
}

/** Several may be made side by side; the last one ends it. */
function makeCompany(dir: string, program: string): Around {
  let users = 0;
  let company: ReturnType<typeof startIdle> | undefined;
  let leaving = Promise.resolve();
  const leave = async (): Promise<void> => {
    users -= 1;
    if (users > 0) return;
    const ending = company;
    company = undefined;
    leaving = (async () => {
      await ending?.end();
      await leaveCaller(dir);
    })();
    await leaving;
  };
  return async (work) => {
    users += 1;
    try {
      await leaving;
      company ??= startIdle(program);
      const { pid } = company;
      if (pid !== undefined) putBelowCaller(dir, pid);
      return await work();
    } finally {
      await leave();
    }
  };
}
