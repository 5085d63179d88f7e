// One container's log, read from its files; the end of following is the container's end and then its io's.

import { PeapodError } from "../base/errors.ts";
import type { PodName } from "../base/names.ts";
import { attemptLog } from "../base/paths.ts";
import { listAttempts } from "../io/attempts.ts";
import { waitForIoEnd } from "../io/io-process.ts";
import { readLog } from "../io/log-reader.ts";
import type { PlannedContainer } from "../plan/plan.ts";
import { waitForExits } from "./control-client.ts";
import type { LogEntry, LogRequest } from "./engine.ts";
import { makeReader, readPlan } from "./reader.ts";

/** @throws NOT_FOUND */
export function readPodLogs(root: string, pod: PodName, request: LogRequest): AsyncIterable<LogEntry> {
  const plan = readPlan(root, pod);
  const container = plan.containers.find((one) => one.name === request.container);
  if (container === undefined) throw new PeapodError("NOT_FOUND", `pod ${pod}: has no container ${request.container}`);
  const { since, before, tail, follow, signal } = request;
  const ended = async () => {
    await waitForExits(pod, makeReader(root), [container.name], signal);
    await waitForIoEnd(container.paths.ioLock, signal);
  };
  return readLog({
    path: attemptLog(container.paths, request.previous ? previousAttempt(container) : latestAttempt(container)),
    ...(before === undefined ? {} : { before }),
    ...(since === undefined ? {} : { since }),
    ...(tail === undefined ? {} : { tail }),
    ...(signal === undefined ? {} : { signal }),
    ...(follow && !request.previous ? { until: ended() } : {}),
  });
}

function latestAttempt({ paths }: PlannedContainer): number {
  return listAttempts(paths.logDir).at(-1) ?? 0;
}

/** @throws NOT_FOUND */
function previousAttempt({ name, paths }: PlannedContainer): number {
  const found = listAttempts(paths.logDir).at(-2);
  if (found !== undefined) return found;
  throw new PeapodError("NOT_FOUND", `container ${name}: has no log of a previous attempt`, {
    hint: "it has not been started again; without --previous the only log is shown",
  });
}
