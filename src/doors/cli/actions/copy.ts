// generate, clone: a pod as the manifest that it was made of, and as another pod.

import { PeapodError } from "../../../base/errors.ts";
import { EXIT } from "../exit-codes.ts";
import { asPodName, podOf, type Task } from "../task.ts";
import { writeNewFile } from "./print.ts";
import { up } from "./up.ts";

export async function generate(task: Task): Promise<number> {
  const text = await (await task.engine()).generate(podOf(task));
  const file = task.options.text("filename");
  if (file === undefined) task.world.output.out(text);
  else writeNewFile(file, text);
  return EXIT.ok;
}

export async function clone(task: Task): Promise<number> {
  const pod = podOf(task);
  const name = asPodName(task.args[1] ?? `${pod}-clone`);
  const engine = await task.engine();
  const { outer } = await engine.reader.plan(pod);
  if (outer !== undefined) {
    throw new PeapodError(
      "NOT_SUPPORTED",
      `pod ${pod}: lives in a container of somebody else's, who makes the next one`,
      {
        hint: `peapod generate ${pod} prints its manifest`,
      },
    );
  }
  return await up(
    task,
    { file: "-", stdinText: await engine.generate(pod), name, usualNetwork: task.world.env.PEAPOD_NETWORK ?? "" },
    task.options.flag("start"),
  );
}
