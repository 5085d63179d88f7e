// top: the live view. Looks once an interval, draws at each look, key and change of size; q, Ctrl-C or a signal end it.

import { PeapodError } from "../../../base/errors.ts";
import { EXIT, statusOfSignal } from "../exit-codes.ts";
import { asPodName, type Task } from "../task.ts";
import { drawTop, pageOf } from "../top/draw.ts";
import { parseKeys } from "../top/keys.ts";
import { makeView, type View, withFrame, withKey } from "../top/view.ts";
import { intervalOf } from "./stats.ts";

const HOME = "\u001b[H";
const ERASE_REST_OF_LINE = "\u001b[K";

export async function top(task: Task): Promise<number> {
  const { world, args } = task;
  const pods = args.map(asPodName);
  const intervalMs = intervalOf(task);
  const engine = await task.engine();
  for (const pod of pods) await engine.reader.plan(pod);
  const terminal = await world.openScreen();
  if (terminal === undefined)
    throw new PeapodError("BAD_USAGE", "top: needs a terminal as its input and output", {
      hint: "peapod stats writes to files and pipes",
    });
  const abort = new AbortController();
  let status: number = EXIT.ok;
  let view: View = makeView(pods);
  const draw = () => {
    if (abort.signal.aborted) return;
    const { columns, rows } = terminal;
    const lines = drawTop(view, { columns, rows, hasColors: world.output.hasColors });
    // No newline behind the last: the screen would scroll.
    world.output.out(`${HOME}${lines.map((line) => `${line}${ERASE_REST_OF_LINE}`).join("\r\n")}`);
  };
  const off = world.onSignal((signal) => {
    status = statusOfSignal(signal);
    abort.abort();
  });
  world.output.onClosed(() => abort.abort());
  try {
    terminal.onResize(draw);
    terminal.onKeys((text) => {
      for (const key of parseKeys(text)) {
        const next = withKey(view, key, pageOf({ columns: terminal.columns, rows: terminal.rows, hasColors: false }));
        if (next === "quit") return abort.abort();
        view = next;
      }
      draw();
    });
    draw();
    const request = { ...(pods.length === 0 ? {} : { pods }), intervalMs, signal: abort.signal };
    for await (const frame of engine.stats(request)) {
      view = withFrame(view, frame);
      draw();
    }
    return status;
  } finally {
    terminal.close();
    off();
  }
}
