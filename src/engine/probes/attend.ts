// Hooks and probes of one container, run by what is bundled apart: a pod without them never loads it.

import { LONGEST_TIMER_MS } from "../../base/timer.ts";
import type { HookKind, ProbeKind } from "../../manifest/probe.ts";
import type { ContainerKeeper } from "../container-keeper.ts";
import type { PodContext } from "../context.ts";
import type { HandlerTarget, Outcome } from "../handlers/handler.ts";

export async function runHook(
  pod: PodContext,
  keeper: ContainerKeeper,
  hook: HookKind,
  timeoutMs: number | undefined,
  signal: AbortSignal,
): Promise<Outcome> {
  const handler = keeper.planned.hooks?.[hook];
  if (handler === undefined) return { ok: true, message: "" };
  const { runHandler } = await import("../handlers/run-handler.ts");
  return runHandler(makeTarget(pod, keeper), handler, {
    timeoutMs: timeoutMs ?? LONGEST_TIMER_MS,
    signal,
    isHook: true,
  });
}

export async function runProbe(
  pod: PodContext,
  keeper: ContainerKeeper,
  kind: ProbeKind,
  signal: AbortSignal,
): Promise<Outcome> {
  const probe = keeper.planned.probes?.[kind];
  if (probe === undefined) return { ok: true, message: "" };
  const { runHandler } = await import("../handlers/run-handler.ts");
  return runHandler(makeTarget(pod, keeper), probe.handler, { timeoutMs: probe.timeoutSeconds * 1000, signal });
}

function makeTarget(pod: PodContext, { planned, state }: ContainerKeeper): HandlerTarget {
  return {
    id: planned.name,
    pid: state.pid ?? 0,
    startTime: state.startTime ?? 0,
    runtime: pod.runtime,
    program: pod.probeProgram,
    callsDir: pod.plan.paths.calls,
  };
}
