// exec.

import { parseDetachKeys } from "../detach-keys.ts";
import { makeEnv } from "../env-file.ts";
import { EXIT, statusOfFailedExec } from "../exit-codes.ts";
import { podOf, type Task } from "../task.ts";

/** The command's own status; where it was never begun, one of ours. */
export async function exec(task: Task): Promise<number> {
  const { options, world } = task;
  const pod = podOf(task);
  const env = makeEnv([], options.list("env"), world.env);
  const container = options.text("container");
  const cwd = options.text("cwd") ?? options.text("workdir");
  const user = options.text("user");
  const command = await (await task.engine()).execCommand(pod, {
    args: task.args.slice(1),
    tty: options.flag("tty"),
    detachKeys: parseDetachKeys(options.text("detach-keys") ?? ""),
    env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    ...(container === undefined ? {} : { container }),
    ...(cwd === undefined ? {} : { cwd }),
    ...(user === undefined ? {} : { user }),
  });
  const status = await world.runProgram(command.program, command.args).finally(() => command.done?.());
  if (status === EXIT.ok) return status;
  const error = await command.explain?.();
  // The runtime has told the user already.
  return error === undefined ? status : statusOfFailedExec(error);
}
