// generate, clone: a pod as the manifest that it was made of, and as another pod.

import { asPeapodError, PeapodError } from "../../../base/errors.ts";
import { EXIT } from "../exit-codes.ts";
import { asPodName, configFilesOf, networkOf, podOf, type Task } from "../task.ts";
import { writeNewFile } from "./print.ts";
import { up } from "./up.ts";

export async function generate(task: Task): Promise<number> {
  const { options } = task;
  const pod = podOf(task);
  const [file, other] = ["out", "filename"].flatMap((option) => options.text(option) ?? []);
  if (other !== undefined) throw new PeapodError("BAD_USAGE", `generate: two files are given, ${file} and ${other}`);
  const text = await (await task.engine()).generate(pod);
  if (file === undefined) task.world.output.out(text);
  else writeNewFile(file, text);
  return EXIT.ok;
}

export async function clone(task: Task): Promise<number> {
  const pod = podOf(task);
  const name = asPodName(task.args[1] ?? `${pod}-clone`);
  const engine = await task.engine();
  const { outer, sandbox } = await engine.reader.plan(pod);
  if (outer !== undefined) {
    throw new PeapodError(
      "NOT_SUPPORTED",
      `pod ${pod}: lives in a container of somebody else's, who makes the next one`,
      {
        hint: `peapod generate ${pod} prints its manifest`,
      },
    );
  }
  const given = configFilesOf(task);
  const request = { file: "-", stdinText: await engine.generate(pod), name, ...given, ...networkOf(task) };
  try {
    return await up(task, request, task.options.flag("start"));
  } catch (error) {
    // Most likely it is they that are missing, and the lines of what nobody wrote would say nothing.
    if (sandbox.vault === undefined || asPeapodError(error).code !== "BAD_MANIFEST" || given.configFiles !== undefined)
      throw error;
    throw new PeapodError("BAD_USAGE", `pod ${pod}: has Secrets, which are kept in no manifest of it`, {
      hint: "--configmap FILE names the file that they stand in",
    });
  }
}
