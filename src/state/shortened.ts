// A journal that was shortened: a first line that sums up what is not kept any more, the last events before the shortening
// for whoever comes back for them, and a line that sums up these as well, from which on states are folded. What follows is
// an ordinary journal. The lines are ours alone; `events` never prints them.

import type { PodName } from "../base/names.ts";
import { makePlannedContainer, makePlannedState } from "./fold.ts";
import type { Memory } from "./memory.ts";
import type { ContainerState, PodState } from "./pod-state.ts";
import type { StoryJson } from "./pod-story.ts";

export interface ShortenedLine {
  readonly type: "journal.shortened";
  /** Of the last event that is not kept; 0: all are. Cursors before it are too old. */
  readonly seq: number;
  readonly pod: PodName;
  /** What was found against the rules in what is not kept. */
  readonly violations: readonly string[];
  /** What the checker knew there; it does not believe the fold. */
  readonly story: StoryJson;
  readonly memory: Memory;
  /** Of the kept events' lines, which follow at once; behind them is the sum. */
  readonly keptBytes: number;
}

export interface SumLine {
  readonly type: "journal.sum";
  /** Of the last event that is in it. */
  readonly seq: number;
  readonly pod: PodName;
  readonly memory: Memory;
}

export function isShortenedLine(line: { readonly type: string }): line is ShortenedLine {
  return line.type === "journal.shortened";
}

export function isSumLine(line: { readonly type: string }): line is SumLine {
  return line.type === "journal.sum";
}

/** JSON has no `undefined`; a state has all its keys. */
export function reviveMemory(memory: Memory): Memory {
  const { state, ...rest } = memory;
  return { ...rest, plannedAt: memory.plannedAt, change: memory.change, state: reviveState(state) };
}

function reviveState(state: PodState): PodState {
  return { ...makePlannedState(state.pod, []), ...state, containers: state.containers.map(reviveContainer) };
}

function reviveContainer(container: ContainerState): ContainerState {
  const { last } = container;
  return {
    ...makePlannedContainer(container),
    ...container,
    last: last === undefined ? undefined : { ...last, startedAt: last.startedAt },
  };
}
