// How containers that have ended are started again: the annotations that tune it, and the rule itself. Pure.

import { BACK_OFF, LOG_ATTEMPTS } from "../manifest/annotations.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { refuse } from "./annotations.ts";
import type { BackOff, PlannedContainer } from "./plan.ts";

/** The kubelet's: ten seconds, doubling to five minutes, forgotten after twice that. */
const DEFAULT: BackOff = { initialMs: 10_000, maxMs: 300_000, resetMs: 600_000 };
const DEFAULT_LOG_ATTEMPTS = 10;

/** `initial=1,max=60,reset=120`, in seconds. @throws BAD_MANIFEST */
export function parseBackOff(manifest: Manifest): BackOff {
  const text = manifest.metadata.annotations[BACK_OFF];
  if (text === undefined) return DEFAULT;
  const given = new Map<string, number>();
  for (const item of text.split(",").map((word) => word.trim())) {
    const match = /^(initial|max|reset)=(\d{1,7}(?:\.\d{1,3})?)$/.exec(item);
    if (match === null || given.has(match[1] as string)) {
      const hint = "write initial=SECONDS,max=SECONDS,reset=SECONDS, each at most once";
      throw refuse("BAD_MANIFEST", manifest, BACK_OFF, `${item || "an empty item"} is not a part of a back-off`, hint);
    }
    given.set(match[1] as string, Number(match[2]) * 1000);
  }
  const initialMs = given.get("initial") ?? DEFAULT.initialMs;
  const maxMs = given.get("max") ?? Math.max(DEFAULT.maxMs, initialMs);
  if (maxMs < initialMs) throw refuse("BAD_MANIFEST", manifest, BACK_OFF, "max must not be less than initial");
  return { initialMs, maxMs, resetMs: given.get("reset") ?? DEFAULT.resetMs };
}

/** @throws BAD_MANIFEST */
export function parseLogAttempts(manifest: Manifest): number {
  const text = manifest.metadata.annotations[LOG_ATTEMPTS]?.trim();
  if (text === undefined) return DEFAULT_LOG_ATTEMPTS;
  const count = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (count < 1) throw refuse("BAD_MANIFEST", manifest, LOG_ATTEMPTS, `${text || "nothing"} is not a number from 1 on`);
  return count;
}

/**
 * Whether a container that ended so is started again; `code` as a shell shows it, undefined where nobody knows.
 * Kubernetes': an init container that ended with 0 has done its work, whatever its policy.
 */
export function isRestarted({ role, restart }: PlannedContainer, code: number | undefined): boolean {
  if (role === "sidecar" || role === "pause") return true;
  const meets = ({ operator, values }: (typeof restart.rules)[number]) =>
    code !== undefined && (operator === "In") === values.includes(code);
  if (restart.rules.some(meets)) return true;
  if (restart.policy === "Never") return false;
  return code !== 0 || (restart.policy === "Always" && role === "main");
}

/**
 * Milliseconds to wait before a restart. `restarts`: how many there were since the last time that it ran long enough.
 * The kubelet's rule: the first one comes at once.
 */
export function makeBackOffMs({ initialMs, maxMs }: BackOff, restarts: number): number {
  return restarts === 0 ? 0 : Math.min(initialMs * 2 ** Math.min(restarts - 1, 40), maxMs);
}
