// What can be known of pods without disturbing them: from their directories and the kernel. Works while a supervisor
// sleeps, hangs or is dead.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { errnoOf, PeapodError } from "../../base/errors.ts";
import { readOwnJson, readTextIfAny } from "../../base/files.ts";
import { isPodName, type PodName } from "../../base/names.ts";
import { makePodPaths, podsDir } from "../../base/paths.ts";
import { readExitLines } from "../../exits/read-exits.ts";
import { isReaperAlive } from "../../exits/reaper.ts";
import type { Manifest } from "../../manifest/manifest.ts";
import type { Plan } from "../../plan/plan.ts";
import { type Memory, makeMemory } from "../../state/memory.ts";
import { makeFirstOutlines } from "../../state/outline.ts";
import { applyUnclaimedExits } from "../../state/overlay-exits.ts";
import type { PodState } from "../../state/pod-state.ts";
import { followEvents, followStates, readEvents } from "../../state/read-journal.ts";
import { readMemoryAt } from "../../state/read-memory.ts";
import type { PodReader } from "../engine.ts";
import { isFinal } from "../next-moves.ts";

export function makeReader(root: string): PodReader {
  return {
    list: async () => {
      const states: PodState[] = [];
      for (const pod of readPodNames(root)) {
        // A pod may go away, or not be there yet as a whole, while we look: it is in neither case one to list.
        if (existsSync(makePodPaths(root, pod).plan)) states.push(readPodState(root, pod));
      }
      return states;
    },
    state: async (pod) => readPodState(root, pod),
    plan: async (pod) => readPlan(root, pod),
    manifest: async (pod) => readPart<Manifest>(root, pod, makePodPaths(root, pod).manifest),
    resources: async (pod) =>
      (await import("../changes/effective-resources.ts")).makeReport(readPlan(root, pod), readPodState(root, pod)),
    events: (pod, { since, follow, signal }) => {
      const { journal } = makePodPaths(root, pod);
      assertPod(root, pod);
      return follow ? followEvents(journal, since, signal) : replay(journal, since);
    },
    states: (pod, { since, signal }) => {
      const { journal } = makePodPaths(root, pod);
      return followStates(journal, makePlannedMemory(readPlan(root, pod)), since, signal);
    },
  };
}

export function readPodNames(root: string): PodName[] {
  try {
    return readdirSync(podsDir(root)).filter(isPodName).sort();
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}

export function readPlan(root: string, pod: PodName): Plan {
  return readPart<Plan>(root, pod, makePodPaths(root, pod).plan);
}

/** What it is, and while it changes what it is to become; none that cannot be read. */
export function readPlans(root: string, pod: PodName): Plan[] {
  const { plan, next } = makePodPaths(root, pod);
  return [plan, join(next, "plan.json")].flatMap((file) => {
    try {
      return readOwnJson<Plan>(file) ?? [];
    } catch {
      return [];
    }
  });
}

/** @throws NOT_FOUND, STATE_DAMAGED */
export function readPodState(root: string, pod: PodName): PodState {
  const paths = makePodPaths(root, pod);
  const plan = readPlan(root, pod);
  // In the opposite order of their making, so that what moves on in between is seen twice and never missed: a new reaper is
  // noted before it is there, and the note goes when the journal has it; an exit that is in both counts once.
  const hasReaper = isReaperAlive(paths.dir);
  const degraded = readDegradedNote(paths.dir);
  const lines = readExitLines(paths.exits);
  const state = applyUnclaimedExits(readMemoryAt(paths.journal, makePlannedMemory(plan)).state, lines, (container) =>
    isFinal(plan, container),
  );
  if (state.degraded !== undefined) return state;
  if (degraded !== undefined) return { ...state, degraded };
  if (hasReaper) return state;
  return { ...state, degraded: "its reaper is gone; the next command that changes it starts a new one" };
}

/** Why the pod's reaper was replaced, until its supervisor has written that to the journal. */
export function readDegradedNote(dir: string): string | undefined {
  return readTextIfAny(degradedNote(dir))?.trim();
}

export function degradedNote(dir: string): string {
  return join(dir, "degraded");
}

/** What a pod's journal begins with. */
export function makePlannedMemory(plan: Plan): Memory {
  return makeMemory(plan.pod, makeFirstOutlines(plan));
}

async function* replay(journal: string, since: number | undefined) {
  yield* readEvents(journal, since);
}

function readPart<T>(root: string, pod: PodName, path: string): T {
  assertPod(root, pod);
  const found = readOwnJson<T>(path);
  if (found !== undefined) return found;
  throw new PeapodError("STATE_DAMAGED", `pod ${pod}: ${path} is missing`, {
    hint: `peapod delete --force ${pod} takes away what is left of it`,
  });
}

function assertPod(root: string, pod: PodName): void {
  if (existsSync(makePodPaths(root, pod).dir)) return;
  throw new PeapodError("NOT_FOUND", `pod ${pod}: does not exist`, { hint: "peapod list shows what there is" });
}
