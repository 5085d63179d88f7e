// stats: look after look, on a terminal over the last one, elsewhere below it.

import { EXIT } from "../exit-codes.ts";
import { makeStatsLines, makeStatsTable } from "../stats-words.ts";
import { asPodName, type Task } from "../task.ts";
import { tableWidth } from "./print.ts";

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

/** Not more often than the counters move. */
export function intervalOf(task: Task): number {
  return Math.max(100, Math.round((task.options.number("interval") ?? 1) * 1000));
}
