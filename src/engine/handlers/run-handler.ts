// Runs one handler of a probe or hook, once. Whatever the container does, it answers in time, never throws, and leaves no
// process and no descriptor behind. Bundled apart: a pod without probes and hooks never loads it.

import { LONGEST_TIMER_MS } from "../../base/timer.ts";
import type { Handler } from "../../manifest/probe.ts";
import { runExec } from "./exec-handler.ts";
import { runGrpc } from "./grpc-handler.ts";
import { type HandlerTarget, type Limits, type Outcome, wordsOf } from "./handler.ts";
import { runHttpGet } from "./http-handler.ts";
import { runSleep } from "./sleep-handler.ts";
import { runTcpSocket } from "./tcp-handler.ts";

export interface RunOptions {
  readonly timeoutMs: number;
  /** Aborted: what runs is ended, and has failed. */
  readonly signal?: AbortSignal;
  /** True: any HTTP answer is success, and a server that answers HTTPS with HTTP is asked in HTTP. */
  readonly isHook?: boolean;
}

export async function runHandler(
  target: HandlerTarget,
  handler: Handler,
  { timeoutMs, signal, isHook = false }: RunOptions,
): Promise<Outcome> {
  const rope = new AbortController();
  let over: Outcome | undefined;
  const end = (message: string) => {
    over ??= { ok: false, message };
    rope.abort();
  };
  const verb = handler.kind === "exec" || handler.kind === "sleep" ? "did not end" : "no answer";
  const deadline = setTimeout(() => end(`${verb} in ${timeoutMs / 1000} s`), Math.min(timeoutMs, LONGEST_TIMER_MS));
  const callOff = () => end("was called off");
  signal?.addEventListener("abort", callOff);
  if (signal?.aborted) callOff();
  try {
    const outcome = await perform(target, handler, { signal: rope.signal, timeoutMs, isHook });
    return over ?? outcome;
  } catch (error) {
    return over ?? { ok: false, message: wordsOf(error) };
  } finally {
    clearTimeout(deadline);
    signal?.removeEventListener("abort", callOff);
  }
}

function perform(target: HandlerTarget, handler: Handler, limits: Limits): Promise<Outcome> {
  switch (handler.kind) {
    case "exec":
      return runExec(target, handler, limits);
    case "httpGet":
      return runHttpGet(target, handler, limits);
    case "tcpSocket":
      return runTcpSocket(target, handler, limits);
    case "grpc":
      return runGrpc(target, handler, limits);
    case "sleep":
      return runSleep(handler, limits);
  }
}
