// The first start: this process was started by a reaper of its own and becomes the supervisor of the pod it makes.

import { randomUUID } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { errnoOf, PeapodError } from "../base/errors.ts";
import { makeDir, writeJsonAtomic } from "../base/files.ts";
import { isReaperAlive, settle } from "../exits/reaper.ts";
import type { Plan } from "../plan/plan.ts";
import type { PodState } from "../state/pod-state.ts";
import type { EngineOptions, UpRequest } from "./engine.ts";
import { makePodPlan } from "./make-pod-plan.ts";
import type { Programs } from "./programs.ts";
import { FD, type Launcher } from "./reaper-link.ts";
import { attachBell, makeSupervisor, serve } from "./run-supervisor.ts";

/** @throws what planning and the steps throw, ALREADY_EXISTS, CANCELED; then nothing of the pod is left */
export async function upInside(
  options: EngineOptions,
  programs: Programs,
  request: UpRequest,
  launcher: Launcher,
): Promise<PodState> {
  const { manifest, plan } = await makePodPlan(options, programs, request);
  // The caller's directory must not be kept busy by a pod that outlives the call.
  process.chdir("/");
  await claimDirectory(plan);
  writeJsonAtomic(plan.paths.manifest, manifest);
  writeJsonAtomic(plan.paths.plan, plan);
  const supervisor = makeSupervisor(plan, programs);
  const running = { supervisor, programs };
  attachBell(running);
  const state = await supervisor.bringUp(request.start ? "running" : "created", { request: randomUUID() }, launcher.gone);
  setImmediate(() => void serve(running));
  return state;
}

/** Making the directory is what reserves the name; of two who try, one gets EEXIST. */
async function claimDirectory({ pod, paths }: Plan): Promise<void> {
  makeDir(dirname(paths.dir));
  try {
    mkdirSync(paths.dir, { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
    throw new PeapodError("ALREADY_EXISTS", `pod ${pod}: exists already`, {
      hint: isReaperAlive(paths.dir)
        ? `peapod delete --force ${pod} takes it away`
        : `it was left behind: peapod delete --force ${pod}, or peapod doctor --fix`,
    });
  }
  try {
    await settle(FD.settle, paths.dir);
  } catch (error) {
    rmSync(paths.dir, { recursive: true, force: true });
    throw error;
  }
}
