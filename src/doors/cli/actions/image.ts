// image build.

import { PeapodError } from "../../../base/errors.ts";
import { EXIT, statusOfSignal } from "../exit-codes.ts";
import { configFilesOf, type StopSignal, type Task } from "../task.ts";

export async function build(task: Task): Promise<number> {
  const { options, world } = task;
  const tag = options.text("tag");
  if (tag === undefined) {
    throw new PeapodError("BAD_USAGE", "image build: the new image's name is missing", { hint: "give -t NAME" });
  }
  const file = task.args[0] ?? "";
  const builder = options.text("builder");
  const abort = new AbortController();
  let stopped: StopSignal | undefined;
  const ignoreSignals = world.onSignal((signal) => {
    stopped ??= signal;
    abort.abort();
  });
  try {
    await (await task.engine()).buildImage({
      file,
      ...configFilesOf(task),
      ...(file === "-" ? { stdinText: world.readStdin() } : {}),
      tag,
      ...(builder === undefined ? {} : { builder }),
      signal: abort.signal,
      // For who sits and waits; a program that reads our errors is spared.
      ...(world.output.isErrorTerminal ? { tell: (what: string) => world.output.err(`${what}\n`) } : {}),
    });
    world.output.out(`${tag}\n`);
    return EXIT.ok;
  } catch (error) {
    if (stopped === undefined) throw error;
    await task.complain(error);
    return statusOfSignal(stopped);
  } finally {
    ignoreSignals();
  }
}
