// update -f: another manifest for a running pod.

import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { errnoOf, PeapodError } from "../../../base/errors.ts";
import { EXIT } from "../exit-codes.ts";
import { podOf, type Task } from "../task.ts";

export async function updateMembers(task: Task): Promise<number> {
  const pod = podOf(task);
  const file = task.options.text("filename") ?? "-";
  const text = file === "-" ? task.world.readStdin() : readText(file);
  const baseDir = file === "-" ? resolve(".") : dirname(resolve(file));
  const configTexts = task.options.list("configmap").map((path) => ({ file: path, text: readText(path) }));
  await (await task.engine())
    .client(pod)
    .change({ text, file, baseDir, ...(configTexts.length === 0 ? {} : { configTexts }) });
  return EXIT.ok;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    const code = errnoOf(cause) === "ENOENT" ? "NOT_FOUND" : "NOT_PERMITTED";
    throw new PeapodError(code, `manifest ${file}: cannot be read (${errnoOf(cause)})`, { cause });
  }
}
