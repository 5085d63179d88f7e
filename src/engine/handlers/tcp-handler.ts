// A TCP connection that comes about is success; nothing is said over it.

import type { Handler } from "../../manifest/probe.ts";
import { attempt, type HandlerTarget, type Limits, type Outcome, openDial } from "./handler.ts";

export async function runTcpSocket(
  target: HandlerTarget,
  { host, port }: Extract<Handler, { kind: "tcpSocket" }>,
  limits: Limits,
): Promise<Outcome> {
  const channel = openDial("reach", target, host, port, limits);
  return await attempt<Outcome>(channel, limits.signal, (done) => {
    void channel.ended.then(({ exitCode }) => {
      if (exitCode === 0) done({ ok: true, message: "" });
    });
    // A socket that nobody reads never closes.
    channel.socket.resume();
    return undefined;
  });
}
