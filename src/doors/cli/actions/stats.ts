// stats: look after look, on a terminal over the last one, elsewhere below it.

import { PeapodError } from "../../../base/errors.ts";
import { EXIT } from "../exit-codes.ts";
import { makeStatsLines, makeStatsTable } from "../stats-words.ts";
import { asPodName, type Task } from "../task.ts";
import { tableWidth } from "./print.ts";

const LEAST_INTERVAL_MS = 100;
/** To the upper left corner, and erase all below; what is drawn first stays readable in the scroll back. */
const REDRAW = "\u001b[H\u001b[J";

export async function stats(task: Task): Promise<number> {
  const { options, world, args } = task;
  const abort = new AbortController();
  world.output.onClosed(() => abort.abort());
  const once = options.flag("no-stream");
  const frames = (await task.engine()).stats({
    ...(args.length === 0 ? {} : { pods: args.map(asPodName) }),
    intervalMs: intervalOf(task),
    once,
    signal: abort.signal,
  });
  const inJson = options.text("format") === "json";
  for await (const frame of frames) {
    if (inJson) for (const pod of frame.pods) world.output.out(`${JSON.stringify(pod)}\n`);
    else if (once) world.output.out(makeStatsTable(frame, tableWidth(task)));
    else if (world.output.isTerminal) world.output.out(`${REDRAW}${makeStatsTable(frame, tableWidth(task))}`);
    else world.output.out(makeStatsLines(frame));
    if (abort.signal.aborted) break;
  }
  return EXIT.ok;
}

/** Milliseconds. @throws BAD_USAGE for less than the time in which the counters move */
export function intervalOf(task: Task): number {
  const ms = Math.round((task.options.number("interval") ?? 1) * 1000);
  if (ms >= LEAST_INTERVAL_MS) return ms;
  throw new PeapodError("BAD_USAGE", "option --interval: must be 0.1 seconds or more");
}
