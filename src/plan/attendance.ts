// Probes, hooks and the stop signal of one container, as the engine runs them, and where each was written. A container
// without them has none of these fields.

import { constants } from "node:os";
import type { Container, Manifest } from "../manifest/manifest.ts";
import { HOOK_KINDS, type Hooks, PROBE_KINDS, type Probes } from "../manifest/probe.ts";
import { expand } from "./expand.ts";
import type { Reason } from "./plan.ts";
import { manifestReason } from "./where.ts";

export interface PlannedAttendance {
  readonly probes?: Probes;
  readonly hooks?: Hooks;
  /** As runc's kill takes it: a name that it knows, or a number. */
  readonly stopSignal?: string;
}

/** Second names, which runc does not know. */
const ALIASES: Readonly<Record<string, string>> = { SIGCLD: "SIGCHLD", SIGIOT: "SIGABRT", SIGPOLL: "SIGIO" };
/** The first and the last that a C library leaves to programs (signal(7)). */
const RT_MIN = 34;
const RT_MAX = 64;

export function makePlannedAttendance(container: Container): PlannedAttendance {
  const { probes, hooks, stopSignal } = container;
  return {
    ...(probes === undefined ? {} : { probes: expandProbes(probes, container) }),
    ...(hooks === undefined ? {} : { hooks }),
    ...(stopSignal === undefined ? {} : { stopSignal: makeStopSignal(stopSignal) }),
  };
}

/** The kubelet expands `$(NAME)` in the commands of probes, by what env says literally, and not in those of hooks. */
function expandProbes(probes: Probes, { env }: Container): Probes {
  const lookUp = (name: string) => env.findLast((variable) => variable.name === name)?.value;
  const expanded = Object.entries(probes).map(([kind, probe]) => {
    const { handler } = probe;
    if (handler.kind !== "exec") return [kind, probe];
    return [kind, { ...probe, handler: { ...handler, command: handler.command.map((word) => expand(word, lookUp)) } }];
  });
  return Object.fromEntries(expanded);
}

/** `pointer` is the container's own. */
export function makeAttendanceReasons(
  manifest: Manifest,
  container: Container,
  pointer: string,
): Record<string, Reason> {
  const reasons: Record<string, Reason> = {};
  for (const kind of PROBE_KINDS)
    if (container.probes?.[kind] !== undefined)
      reasons[`probes.${kind}`] = manifestReason(manifest, `${pointer}/${kind}Probe`);
  for (const kind of HOOK_KINDS)
    if (container.hooks?.[kind] !== undefined)
      reasons[`hooks.${kind}`] = manifestReason(manifest, `${pointer}/lifecycle/${kind}`);
  if (container.stopSignal !== undefined)
    reasons.stopSignal = manifestReason(manifest, `${pointer}/lifecycle/stopSignal`);
  return reasons;
}

/** `SIGRTMIN+3` → `37`; what the kernel has a name for stays. */
export function makeStopSignal(written: string): string {
  const name = ALIASES[written] ?? written;
  const [, end, offset = "0"] = /^SIGRT(MIN|MAX)(?:[+-](\d+))?$/.exec(name) ?? [];
  if (end === undefined) return name in constants.signals ? name : "SIGTERM";
  return String(end === "MIN" ? RT_MIN + Number(offset) : RT_MAX - Number(offset));
}
