// update -f: another manifest for a running pod.

import { EXIT } from "../exit-codes.ts";
import { podOf, type Task } from "../task.ts";

export async function updateMembers(task: Task): Promise<number> {
  const pod = podOf(task);
  const file = task.options.text("filename") ?? "-";
  await (await task.engine()).client(pod).change({
    file,
    configFiles: task.options.list("configmap"),
    ...(file === "-" ? { stdinText: task.world.readStdin() } : {}),
  });
  return EXIT.ok;
}
