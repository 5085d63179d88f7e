// attach.

import { asPeapodError, PeapodError } from "../../../base/errors.ts";
import { shellStatus } from "../../../exits/exit.ts";
import { makeEars, runSession } from "../attach-session.ts";
import { parseDetachKeys } from "../detach-keys.ts";
import { EXIT, statusOfSignal } from "../exit-codes.ts";
import { podOf, type StopSignal, type Task } from "../task.ts";

/** The container's own status where it ended, 0 where we left it. */
export async function attach(task: Task): Promise<number> {
  const { options, world } = task;
  const pod = podOf(task);
  const named = options.text("container");
  if (task.args[1] !== undefined && named !== undefined && task.args[1] !== named) {
    throw new PeapodError("BAD_USAGE", `attach: two containers are given, ${task.args[1]} and ${named}`);
  }
  const container = task.args[1] ?? named;
  const detachKeys = parseDetachKeys(options.text("detach-keys") ?? "");
  const engine = await task.engine();
  const client = engine.client(pod);
  const attachment = await engine.attach(pod, {
    ...makeEars(world.output),
    ...(container === undefined ? {} : { container }),
  });
  const { container: name, hasInput, hasTerminal } = attachment;
  const lacks = (what: string, field: string) => {
    attachment.close();
    return new PeapodError("BAD_USAGE", `container ${name}: has no ${what}`, {
      hint: `its manifest must say ${field}`,
    });
  };
  if (options.flag("interactive") && !hasInput) throw lacks("standard input", "stdin: true");
  if (options.flag("tty") && !hasTerminal) throw lacks("terminal", "tty: true");
  const gone = new AbortController();
  world.output.onClosed(() => gone.abort());
  let stopped: StopSignal | undefined;
  const isProxy = !hasTerminal && options.text("sig-proxy") === "true";
  const stopListening = world.onSignal((signal) => {
    if (isProxy) void client.kill({ signal, container: name }).catch((error) => complainUnlessEnded(task, error));
    else {
      stopped = signal;
      gone.abort();
    }
  });
  try {
    const input = hasInput && !options.flag("no-stdin");
    const how = await runSession(attachment, await world.openTerminal(), { input, detachKeys }, gone.signal);
    if (stopped !== undefined) return statusOfSignal(stopped);
    if (how === "detached") return EXIT.ok;
    const state = await client.wait({ containers: [name] });
    const exit = state.containers.find((one) => one.name === name)?.exit;
    return exit === undefined ? EXIT.failed : (shellStatus(exit) ?? EXIT.failed);
  } finally {
    stopListening();
  }
}

async function complainUnlessEnded(task: Task, error: unknown): Promise<void> {
  if (asPeapodError(error).code !== "WRONG_STATE") await task.complain(error);
}
