// A command in the container, through the runtime. Its process, and all that it started, is killed when its time is over,
// and also when we are: peapod-probe stands between us and the runtime for that.

import { rmSync } from "node:fs";
import { join } from "node:path";
import { openChannel } from "../../base/channel.ts";
import type { Handler } from "../../manifest/probe.ts";
import { attempt, firstWords, type HandlerTarget, type Limits, type Outcome } from "./handler.ts";

/** peapod-probe passes no more on; the kubelet cuts there, too. */
const MOST_OUTPUT = 10 * 1024;

let number = 0;

export async function runExec(
  { id, pid, runtime, program, callsDir }: HandlerTarget,
  { command }: Extract<Handler, { kind: "exec" }>,
  { signal }: Limits,
): Promise<Outcome> {
  number += 1;
  const pidFile = join(callsDir, `probe-${process.pid}-${number}.pid`);
  const call = runtime.execCommand({ id, args: command, pidFile });
  try {
    const channel = openChannel(program, ["guard", String(pid), pidFile, call.program, ...call.args]);
    const pieces: Buffer[] = [];
    channel.socket.on("data", (piece: Buffer) => pieces.push(piece));
    const exitCode = await attempt<number>(channel, signal, (done) => {
      channel.socket.once("close", () => {
        void channel.ended.then((end) => {
          if (end.exitCode !== undefined && end.words === "") done(end.exitCode);
        });
      });
      return undefined;
    });
    if (exitCode === 0) return { ok: true, message: "" };
    const failure = await call.explain();
    if (failure !== undefined) return { ok: false, message: failure.message };
    const output = firstWords(Buffer.concat(pieces).toString("utf8", 0, MOST_OUTPUT));
    return { ok: false, message: `exit status ${exitCode}${output === "" ? "" : `: ${output}`}` };
  } finally {
    // Its log goes with it.
    await call.explain();
    rmSync(pidFile, { force: true });
  }
}
