// logs.

import { asPeapodError, PeapodError } from "../../../base/errors.ts";
import type { ContainerName } from "../../../base/names.ts";
import { LONGEST_TIMER_MS } from "../../../base/timer.ts";
import type { LogEntry } from "../../../engine/engine.ts";
import type { PodState } from "../../../state/pod-state.ts";
import { EXIT } from "../exit-codes.ts";
import { makeLogPrinter } from "../log-printer.ts";
import { mergeLogs } from "../merge-logs.ts";
import { parseMoment } from "../parse-time.ts";
import { userContainers } from "../pod-words.ts";
import { containersOf, podOf, type Task } from "../task.ts";

export async function logs(task: Task): Promise<number> {
  const { options, world } = task;
  const pod = podOf(task);
  const wanted = containersOf(task);
  const since = momentOf(task, "since");
  const before = momentOf(task, "until");
  const previous = options.flag("previous");
  const tail = tailOf(task);
  const left = before === undefined ? LONGEST_TIMER_MS : Date.parse(before) - world.now().getTime();
  const follow = options.flag("follow") && left > 0;
  const engine = await task.engine();
  const names = pickContainers(await engine.reader.state(pod), wanted);
  const abort = new AbortController();
  // Nothing that comes later is asked for.
  if (follow && before !== undefined) setTimeout(() => abort.abort(), Math.min(left, LONGEST_TIMER_MS)).unref();
  world.output.onClosed(() => abort.abort());
  const printer = makeLogPrinter(world.output, {
    containers: names,
    timestamps: options.flag("timestamps"),
    names: options.flag("names"),
  });
  const request = {
    follow,
    signal: abort.signal,
    ...(since === undefined ? {} : { since }),
    ...(tail === undefined ? {} : { tail }),
    ...(before === undefined ? {} : { before }),
    ...(previous ? { previous } : {}),
  };
  const isAll = wanted.length === 0 && names.length > 1;
  const sources = names.map((container) => {
    const entries = engine.logs(pod, { ...request, container });
    return { container, entries: previous && isAll ? unlessMissing(entries) : entries };
  });
  for await (const { container, entry } of mergeLogs(sources, { waitForAll: !follow })) {
    if (abort.signal.aborted) break;
    printer.print(container, entry);
  }
  printer.flush();
  return EXIT.ok;
}

/** How many of the last lines; undefined, which is -1 in kubectl's and podman's words, for all. @throws BAD_USAGE */
function tailOf(task: Task): number | undefined {
  const text = task.options.text("tail");
  if (text === undefined || text === "-1") return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new PeapodError("BAD_USAGE", `option --tail: ${JSON.stringify(text)} is not a whole number, or -1`);
}

function momentOf(task: Task, option: "since" | "until"): string | undefined {
  const text = task.options.text(option);
  if (text === undefined) return undefined;
  const moment = parseMoment(text, task.world.now());
  if (moment !== undefined) return moment;
  throw new PeapodError("BAD_USAGE", `option --${option}: ${JSON.stringify(text)} is not a time`, {
    hint: "write 10m (ago), 2026-11-22T10:00:00Z, or seconds since 1970",
  });
}

/** Of all containers some were never started again. */
async function* unlessMissing(entries: AsyncIterable<LogEntry>): AsyncGenerator<LogEntry> {
  try {
    yield* entries;
  } catch (error) {
    if (asPeapodError(error).code !== "NOT_FOUND") throw error;
  }
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
