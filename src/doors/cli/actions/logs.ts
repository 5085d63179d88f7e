// logs.

import { PeapodError } from "../../../base/errors.ts";
import type { ContainerName } from "../../../base/names.ts";
import type { PodState } from "../../../state/pod-state.ts";
import { EXIT } from "../exit-codes.ts";
import { makeLogPrinter } from "../log-printer.ts";
import { mergeLogs } from "../merge-logs.ts";
import { parseMoment } from "../parse-time.ts";
import { userContainers } from "../pod-words.ts";
import { podOf, type Task } from "../task.ts";

export async function logs(task: Task): Promise<number> {
  const { options, world } = task;
  const pod = podOf(task);
  const since = sinceOf(task);
  const tail = options.number("tail");
  const follow = options.flag("follow");
  const engine = await task.engine();
  const names = pickContainers(await engine.reader.state(pod), options.list("container"));
  const abort = new AbortController();
  world.output.onClosed(() => abort.abort());
  const printer = makeLogPrinter(world.output, { containers: names, timestamps: options.flag("timestamps") });
  const request = {
    follow,
    signal: abort.signal,
    ...(since === undefined ? {} : { since }),
    ...(tail === undefined ? {} : { tail }),
  };
  const sources = names.map((container) => ({ container, entries: engine.logs(pod, { ...request, container }) }));
  for await (const { container, entry } of mergeLogs(sources, { waitForAll: !follow })) {
    if (abort.signal.aborted) break;
    printer.print(container, entry);
  }
  printer.flush();
  return EXIT.ok;
}

function sinceOf(task: Task): string | undefined {
  const text = task.options.text("since");
  if (text === undefined) return undefined;
  const moment = parseMoment(text, task.world.now());
  if (moment !== undefined) return moment;
  throw new PeapodError("BAD_USAGE", `option --since: ${JSON.stringify(text)} is not a time`, {
    hint: "write 10m (ago), 2026-11-22T10:00:00Z, or seconds since 1970",
  });
}

/** Those asked for, in the pod's order; all but the pause process where none was. @throws NOT_FOUND */
export function pickContainers(state: PodState, wanted: readonly string[]): readonly ContainerName[] {
  const all = userContainers(state).map((container) => container.name);
  if (wanted.length === 0) return all;
  for (const name of wanted) {
    if (all.some((known) => known === name)) continue;
    throw new PeapodError("NOT_FOUND", `container ${name}: pod ${state.pod} has no such container`, {
      hint: `it has ${all.join(", ")}`,
    });
  }
  return all.filter((name) => wanted.includes(name));
}
