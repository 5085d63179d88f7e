// What handlers of probes and hooks are given, and what they answer. An attempt over a channel ends with its work, with
// its helper, or when it is called off, whichever comes first; then nothing of it is left.

import { type Channel, openChannel } from "../../base/channel.ts";
import { LONGEST_TIMER_MS } from "../../base/timer.ts";
import type { Runtime } from "../../runtime/runtime.ts";

/** The container that is asked. */
export interface HandlerTarget {
  /** As the runtime calls it. */
  readonly id: string;
  /** Its first process, on the host. */
  readonly pid: number;
  /** Clock ticks after boot; 0 where nobody knows, and the pid alone must do. */
  readonly startTime: number;
  readonly runtime: Pick<Runtime, "execCommand">;
  /** Our peapod-probe. */
  readonly program: string;
  /** Where files of a call may lie. */
  readonly callsDir: string;
}

export interface Outcome {
  readonly ok: boolean;
  /** Few words: why it failed; of a success, only what is odd about it. */
  readonly message: string;
}

/** Aborted: the attempt is over, whatever it does. */
export interface Limits {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** Hooks are satisfied with less, as the kubelet's are. */
  readonly isHook: boolean;
}

/** Node's deadline comes first; the helper's own is for one whose owner hangs. */
const HELPER_GRACE_MS = 1000;

export function openDial(
  mode: "reach" | "dial",
  { program, pid, startTime }: HandlerTarget,
  host: string,
  port: number,
  { timeoutMs }: Limits,
): Channel {
  const words = [mode, Math.min(timeoutMs + HELPER_GRACE_MS, LONGEST_TIMER_MS), pid, startTime, host, port];
  return openChannel(program, words.map(String));
}

/** May return what is to be called when the attempt is over. */
type Work<T> = (done: (value: T) => void, fail: (error: unknown) => void) => (() => void) | undefined;

/** @throws Error with what the helper said, if it said something, else what `work` failed with */
export async function attempt<T>(channel: Channel, signal: AbortSignal, work: Work<T>): Promise<T> {
  let giveUp = (): void => undefined;
  let tidyUp: (() => void) | undefined;
  try {
    return await new Promise<T>((resolve, reject) => {
      giveUp = () => reject(new Error("was called off"));
      signal.addEventListener("abort", giveUp);
      if (signal.aborted) giveUp();
      void channel.ended.then(({ exitCode, words }) => {
        if (exitCode !== undefined && words === "") return;
        // What it passed on before its end is read first.
        const fail = () => reject(new Error("its helper ended"));
        if (channel.socket.closed) fail();
        else channel.socket.once("close", fail);
      });
      tidyUp = work(resolve, reject);
    });
  } catch (error) {
    const { words } = await channel.close();
    throw words === "" ? error : new Error(words);
  } finally {
    signal.removeEventListener("abort", giveUp);
    tidyUp?.();
    await channel.close();
  }
}

/** The beginning of a text on one line. */
export function firstWords(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}

/** An error as one of our messages: no capital at its beginning, no stack. */
export function wordsOf(error: unknown): string {
  const text = firstWords(error instanceof Error ? error.message : String(error));
  return /^[A-Z][a-z ]/.test(text) ? `${text.slice(0, 1).toLowerCase()}${text.slice(1)}` : text;
}
