// One container's log, read from its files. While it is followed, one attempt comes after the other; the end of the last is
// the container's end and then its io's.

import { PeapodError } from "../../base/errors.ts";
import type { PodName } from "../../base/names.ts";
import { attemptLog } from "../../base/paths.ts";
import { listAttempts } from "../../io/attempts.ts";
import { isIoAlive, waitForIoEnd } from "../../io/io-process.ts";
import { readLog } from "../../io/log-reader.ts";
import type { Plan, PlannedContainer } from "../../plan/plan.ts";
import type { PodState } from "../../state/pod-state.ts";
import type { LogEntry, LogRequest } from "../engine.ts";
import { isFinal } from "../next-moves.ts";
import { makeReader, readPlan, readPodState } from "./reader.ts";

/** @throws NOT_FOUND */
export function readPodLogs(root: string, pod: PodName, request: LogRequest): AsyncIterable<LogEntry> {
  const plan = readPlan(root, pod);
  const container = plan.containers.find((one) => one.name === request.container);
  if (container === undefined) throw new PeapodError("NOT_FOUND", `pod ${pod}: has no container ${request.container}`);
  if (request.previous) {
    return readLog({ path: attemptLog(container.paths, previousAttempt(container)), ...selection(request) });
  }
  const state = readPodState(root, pod);
  const current = request.fromFirst ? 0 : attemptOf(state, container);
  if (request.follow) return followAttempts(plan, container, request, current, hasEnded(state, container, current));
  return readLog({ path: attemptLog(container.paths, current), ...selection(request) });
}

async function* followAttempts(
  plan: Plan,
  container: PlannedContainer,
  request: LogRequest,
  first: number,
  isFirstOver: boolean,
): AsyncIterable<LogEntry> {
  const { tail, ...later } = selection(request);
  for (let attempt = first; ; attempt += 1) {
    const { whenEnded, hasNext } = watchAttempt(plan, container, attempt, request.signal);
    const lines = attempt === first && tail !== undefined ? { ...later, tail } : later;
    // Of one that is over the last words are among those that are there, also where they end no line.
    const until = attempt === first && isFirstOver ? {} : { until: whenEnded() };
    yield* readLog({ path: attemptLog(container.paths, attempt), ...lines, ...until });
    if (request.signal?.aborted || !(await hasNext)) return;
  }
}

function selection({
  since,
  before,
  tail,
  signal,
}: LogRequest): Pick<LogRequest, "since" | "before" | "tail" | "signal"> {
  return {
    ...(before === undefined ? {} : { before }),
    ...(since === undefined ? {} : { since }),
    ...(tail === undefined ? {} : { tail }),
    ...(signal === undefined ? {} : { signal }),
  };
}

interface WatchedAttempt {
  /** Resolves when nothing more of it will be written. */
  readonly whenEnded: () => Promise<unknown>;
  /** Another one follows; told when that begins, or when none does. */
  readonly hasNext: Promise<boolean>;
}

function watchAttempt(
  plan: Plan,
  container: PlannedContainer,
  attempt: number,
  signal: AbortSignal | undefined,
): WatchedAttempt {
  const { promise: exited, resolve: noteExit } = Promise.withResolvers<void>();
  const { ioLock } = container.paths;
  const look = async (): Promise<boolean> => {
    const reader = makeReader(plan.root);
    let state = await reader.state(plan.pod);
    const isOver = () => {
      const own = state.containers.find(({ name }) => name === container.name);
      if (own === undefined || own.attempt > attempt) return true;
      if (own.exit !== undefined) noteExit();
      return state.want !== "restarted" && (state.exitedAt !== undefined || isFinal(plan, own));
    };
    if (!isOver()) {
      // What came before is known: an end that a restart has followed is none.
      for await (const next of reader.states(plan.pod, { since: state.cursor, signal })) {
        state = next;
        if (isOver()) break;
      }
    }
    // The next attempt begins only after the last one's io has ended.
    if (attemptOf(state, container) > attempt) return true;
    await waitForIoEnd(ioLock, signal);
    return false;
  };
  const hasNext = look();
  // The io of the next attempt has the same lock.
  const whenEnded = () => Promise.race([hasNext, exited.then(() => waitForIoEnd(ioLock, signal))]);
  return { hasNext, whenEnded };
}

function hasEnded(state: PodState, { name, paths }: PlannedContainer, attempt: number): boolean {
  const own = state.containers.find((one) => one.name === name);
  return own?.exit !== undefined && own.attempt === attempt && !isIoAlive(paths.ioLock);
}

function attemptOf(state: PodState, container: PlannedContainer): number {
  return state.containers.find(({ name }) => name === container.name)?.attempt ?? 0;
}

/** @throws NOT_FOUND */
function previousAttempt({ name, paths }: PlannedContainer): number {
  const found = listAttempts(paths.logDir).at(-2);
  if (found !== undefined) return found;
  throw new PeapodError("NOT_FOUND", `container ${name}: has no log of a previous attempt`, {
    hint: "it has not been started again; without --previous the only log is shown",
  });
}
