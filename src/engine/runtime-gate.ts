// Lets an orphaned supervisor end between two runtime calls: what a call made would otherwise be adopted by nobody's
// reaper, and its exit be lost for good.

import type { Runtime } from "../runtime/runtime.ts";

export interface GatedRuntime extends Runtime {
  /** From now on no call begins (it waits for ever); resolves when those that run have ended and been journalled. */
  close(): Promise<void>;
  /** It does not end after all. */
  open(): void;
}

export function gateRuntime(runtime: Runtime): GatedRuntime {
  const inFlight = new Set<Promise<unknown>>();
  let isClosed = false;
  const pass = <Args extends unknown[], Result>(call: (...args: Args) => Promise<Result>) => {
    return (...args: Args): Promise<Result> => {
      if (isClosed) return new Promise<Result>(() => undefined);
      const running = call(...args);
      const leave = () => void inFlight.delete(settled);
      const settled: Promise<void> = running.then(leave, leave);
      inFlight.add(settled);
      return running;
    };
  };
  return {
    create: pass(runtime.create),
    start: pass(runtime.start),
    run: pass(runtime.run),
    kill: pass(runtime.kill),
    delete: pass(runtime.delete),
    update: pass(runtime.update),
    checkpoint: pass(runtime.checkpoint),
    restore: pass(runtime.restore),
    state: pass(runtime.state),
    exec: runtime.exec,
    execCommand: runtime.execCommand,
    async close() {
      isClosed = true;
      await Promise.all(inFlight);
      // One turn of the loop for those who waited for these calls to write down what came of them.
      await new Promise(setImmediate);
    },
    open() {
      isClosed = false;
    },
  };
}
