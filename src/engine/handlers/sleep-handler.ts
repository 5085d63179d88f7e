// Does nothing for a while, as a hook; it holds up only who waits for it.

import type { Handler } from "../../manifest/probe.ts";
import type { Limits, Outcome } from "./handler.ts";

export function runSleep({ seconds }: Extract<Handler, { kind: "sleep" }>, { signal }: Limits): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const giveUp = () => {
      clearTimeout(timer);
      reject(new Error("was called off"));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", giveUp);
      resolve({ ok: true, message: "" });
    }, seconds * 1000);
    signal.addEventListener("abort", giveUp);
    if (signal.aborted) giveUp();
  });
}
