// update -f: another manifest for a running pod.

import { EXIT } from "../exit-codes.ts";
import { podOf, type Task } from "../task.ts";
import { untilInterrupted } from "./until-interrupted.ts";

export async function updateMembers(task: Task): Promise<number> {
  const pod = podOf(task);
  const file = task.options.text("filename") ?? "-";
  const request = {
    file,
    configFiles: task.options.list("configmap"),
    ...(file === "-" ? { stdinText: task.world.readStdin() } : {}),
  };
  const client = (await task.engine()).client(pod);
  return (await untilInterrupted(task, pod, () => client.change(request))) ?? EXIT.ok;
}
