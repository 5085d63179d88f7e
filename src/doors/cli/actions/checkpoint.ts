// checkpoint, restore: silent when they succeed.

import { resolve } from "node:path";
import type { CheckpointRequest, RestoreRequest } from "../../../engine/engine.ts";
import type { Options } from "../options.ts";
import type { Task } from "../task.ts";
import { changeEachPod } from "./change.ts";

export async function checkpoint(task: Task): Promise<number> {
  const { options } = task;
  const more: CheckpointRequest = {
    ...makeRestoreRequest(options),
    ...(options.flag("tcp-established") ? { tcpEstablished: true } : {}),
    ...(options.flag("file-locks") ? { fileLocks: true } : {}),
  };
  return await changeEachPod(task, async (client) => void (await client.checkpoint(more)));
}

export async function restore(task: Task): Promise<number> {
  const more = makeRestoreRequest(task.options);
  return await changeEachPod(task, async (client) => void (await client.restore(more)));
}

/** The supervisor has another working directory than we have. */
function makeRestoreRequest(options: Options): RestoreRequest {
  const criu = options.text("criu");
  return {
    ...(criu === undefined ? {} : { criu: resolve(criu) }),
    ...(options.flag("keep") ? { keep: true } : {}),
  };
}
