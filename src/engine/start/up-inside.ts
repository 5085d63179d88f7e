// The first start: this process was started by a reaper of its own and becomes the supervisor of the pod it makes.

import { mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { asPeapodError, errnoOf, PeapodError } from "../../base/errors.ts";
import { makeDir, writeJsonAtomic } from "../../base/files.ts";
import { makeUuid } from "../../base/unique.ts";
import { isReaperAlive, settle } from "../../exits/reaper.ts";
import { unmountBelow } from "../../host/mounts.ts";
import type { Plan, PlannedPort } from "../../plan/plan.ts";
import type { SecretParts } from "../../plan/secrets.ts";
import type { UplinkPort } from "../../plan/uplink.ts";
import type { PodState } from "../../state/pod-state.ts";
import type { EngineOptions, UpRequest } from "../engine.ts";
import { makePodPlan, type PodPlan } from "../planning/make-pod-plan.ts";
import type { Programs } from "../programs.ts";
import { FD, type Launcher } from "../reaper-link.ts";
import { makeReserve } from "../reserve.ts";
import { attachBell, makeSupervisor, serve, startCaller } from "../run-supervisor.ts";
import type { Supervisor } from "../supervisor.ts";
import { removePodFiles } from "../teardown.ts";
import { noteAskedByMessage } from "./launcher-note.ts";

/** @throws what planning and the steps throw, ALREADY_EXISTS, CANCELED; then nothing of the pod is left */
export async function upInside(
  options: EngineOptions,
  programs: Programs,
  request: UpRequest,
  launcher: Launcher,
): Promise<PodState> {
  startCaller(programs);
  const planned = await makePodPlan(options, programs, { ...request, takesIds: true, signal: launcher.gone });
  const { plan } = planned;
  // The caller's directory must not be kept busy by a pod that outlives the call.
  process.chdir("/");
  const supervisor = await begin(planned, programs);
  if (plan.outer !== undefined) (await import("../outer/outer-result.ts")).writeMembers(plan);
  const running = { supervisor, programs };
  attachBell(running);
  if (launcher.confirm) noteAskedByMessage(plan.paths.dir);
  const want = request.start ? "running" : "created";
  const asked = { request: makeUuid() };
  const state = await supervisor.bringUp(want, asked, launcher.gone, () => launcher.confirm?.(plan.pod));
  setImmediate(() => void serve(running));
  return state;
}

async function begin(planned: PodPlan, programs: Programs): Promise<Supervisor> {
  const { plan, secrets } = planned;
  const { ports, uplink } = plan.sandbox;
  let hasPorts = false;
  try {
    await claimDirectory(plan);
    if (uplink !== undefined && uplink.ports.length > 0) await assertPortsFree(plan, uplink.ports);
    if (ports !== undefined) {
      await takePorts(plan, ports);
      hasPorts = true;
    }
    if (secrets !== undefined) await keepSecrets(plan, secrets);
    return await writeBeginning(planned, programs);
  } catch (error) {
    if (plan.sandbox.idsFile !== undefined) rmSync(plan.sandbox.idsFile, { force: true });
    if (ports !== undefined && hasPorts) (await import("../networks/port-claims.ts")).giveBackPorts(ports);
    throw error;
  }
}

/** The uplink's program listens at them itself, which keeps everybody else away. */
async function assertPortsFree({ paths, pod }: Plan, ports: readonly UplinkPort[]): Promise<void> {
  try {
    await (await import("../networks/port-claims.ts")).assertAllFree(ports);
  } catch (error) {
    removePodFiles(paths);
    throw asPeapodError(error, `pod ${pod}`);
  }
}

/** Before anything of the pod is made. */
async function takePorts({ paths, pod }: Plan, ports: readonly PlannedPort[]): Promise<void> {
  try {
    await (await import("../networks/port-claims.ts")).takePorts(ports, paths.dir);
  } catch (error) {
    removePodFiles(paths);
    throw asPeapodError(error, `pod ${pod}`);
  }
}

/** Before the plan: who finds that finds them as well. */
async function keepSecrets(plan: Plan, secrets: SecretParts): Promise<void> {
  try {
    await (await import("../volumes/vault.ts")).fillVault(plan, secrets);
  } catch (error) {
    await unmountBelow(plan.paths.dir);
    removePodFiles(plan.paths);
    throw asPeapodError(error, `pod ${plan.pod}`);
  }
}

/** What a later supervisor needs to take the pod down. Before it stands there is nothing but files to take away. */
async function writeBeginning({ manifest, stored, plan }: PodPlan, programs: Programs): Promise<Supervisor> {
  try {
    makeReserve(plan.paths.dir);
    writeJsonAtomic(plan.paths.manifest, manifest);
    writeJsonAtomic(plan.paths.document, stored);
    writeJsonAtomic(plan.paths.plan, plan);
    return makeSupervisor(plan, programs);
  } catch (error) {
    if (plan.sandbox.vault !== undefined) await unmountBelow(plan.paths.dir);
    removePodFiles(plan.paths);
    throw asPeapodError(error, `pod ${plan.pod}`);
  }
}

/** Making the directory is what reserves the name; of two who try, one gets EEXIST. */
async function claimDirectory({ pod, paths }: Plan): Promise<void> {
  try {
    makePodDirectory(paths.dir);
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
    removePodFiles(paths);
    throw error;
  }
}

/** A pod that is the last one takes the directory of pods along, perhaps between our two steps. */
function makePodDirectory(dir: string): void {
  for (let attempt = 1; ; attempt += 1) {
    makeDir(dirname(dir));
    try {
      mkdirSync(dir, { mode: 0o700 });
      return;
    } catch (error) {
      if (errnoOf(error) !== "ENOENT" || attempt === 100) throw error;
    }
  }
}
