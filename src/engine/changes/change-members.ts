// Members of a running pod come, go and are replaced, while the others run on. The new plan lies beside the old one until
// those who go have gone; then the journal has it (`pod.changed`), and the supervisor ends: the next one begins with the
// new plan, as it would after any crash, and makes those who come. INVARIANT: at each instant the journal says which of
// the two plans holds, and what is left to be done can be done again. What may fail (room on the disk,
// new volumes and mounts) is made before the journal has anything of it: then the change is refused, and nobody went for it.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { asPeapodError, PeapodError } from "../../base/errors.ts";
import { readOwnJson, readTextIfAny, writeFileAtomic } from "../../base/files.ts";
import type { StoredDocuments } from "../../manifest/make-generated.ts";
import type { WrittenManifest } from "../../manifest/read-written.ts";
import { ANEW, planMemberChange } from "../../plan/members.ts";
import type { Sandbox, Step } from "../../plan/plan.ts";
import { NO_SECRETS } from "../../plan/secrets.ts";
import { makeOutlines } from "../../state/outline.ts";
import type { ContainerState } from "../../state/pod-state.ts";
import type { KeptPod } from "../context.ts";
import type { Attached } from "../engine.ts";
import { makePodPlan } from "../planning/make-pod-plan.ts";
import { findPrograms } from "../programs.ts";
import { endIo } from "../renew.ts";
import { makeStartFailure } from "../start-failure.ts";
import { executeStep } from "../steps.ts";
import { readVault } from "../volumes/vault.ts";
import { removeBeyond } from "./difference.ts";
import { installNext, readNext, writeNext } from "./next-plan.ts";

/**
 * Decides, and journals that it has begun. False: there is nothing to change.
 * @throws BAD_MANIFEST, NOT_SUPPORTED and what planning throws; then nothing was done
 */
export async function beginChange(
  pod: KeptPod,
  { request, manifest: written }: { readonly request: string; readonly manifest: WrittenManifest },
): Promise<boolean> {
  const { plan, journal } = pod;
  const cgroupDriver = plan.sandbox.cgroup.driver === "systemd" ? "systemd" : "cgroupfs";
  const options = { root: plan.root, runtime: plan.runtime.path, cgroupDriver } as const;
  const programs = findPrograms(process.argv[1] ?? "");
  // Of an earlier one; what failed of it this one may mend.
  const unprepared = await prepareChanged(pod).catch((error: unknown) => asPeapodError(error, `pod ${plan.pod}`));
  const stored = readOwnJson<StoredDocuments>(plan.paths.document);
  const planned = await makePodPlan(options, programs, {
    file: written.file,
    name: plan.pod,
    written,
    // Those that it is attached to it stays attached to.
    ...(plan.sandbox.networks === undefined ? { usualNetwork: plan.sandbox.uplink?.kind ?? "none" } : {}),
    ...(plan.uid === undefined ? {} : { uid: plan.uid }),
    ...(plan.sandbox.idsFile === undefined ? {} : { idsFile: plan.sandbox.idsFile }),
    ...(stored?.env === undefined ? {} : { env: stored.env }),
    ...(stored?.networks === undefined ? {} : { networks: stored.networks }),
    ...(stored?.publish === undefined ? {} : { publish: stored.publish }),
    attached: pickAttached(plan.sandbox),
    ...(stored?.names === undefined ? {} : { names: stored.names }),
  });
  const secrets = planned.secrets ?? NO_SECRETS;
  if (planned.secrets !== undefined && plan.sandbox.vault === undefined && plan.runtime.kind === "crun")
    throw new PeapodError("NOT_SUPPORTED", `pod ${plan.pod}: cannot be given Secrets while it runs`, {
      hint: `crun would keep copies of them on the disk; ${ANEW}`,
    });
  const change = planMemberChange({ plan, secrets: readVault(plan) }, { plan: planned.plan, secrets });
  if (change === undefined && unprepared !== undefined) throw unprepared;
  if (change === undefined) return false;
  const { added, removed, replaced } = change;
  const firstMembers = plan.firstMembers ?? makeOutlines(plan.containers);
  const next = { ...planned, plan: { ...change.plan, firstMembers } };
  await writeNext(plan, next, { request, fresh: [...added, ...replaced] });
  const endBy = new Date(Date.now() + plan.stopGraceMs).toISOString();
  journal.append({ type: "pod.changing", request, leaving: [...removed, ...replaced], endBy });
  return true;
}

/** It stays where it is. */
function pickAttached({ networks, podIPs, uplink, ports }: Sandbox): Attached {
  return {
    ...(networks === undefined ? {} : { networks }),
    ...(podIPs === undefined ? {} : { podIPs }),
    ports: (uplink?.ports ?? ports ?? []).map(({ place = "", ...port }) => ({ ...port, place })),
  };
}

/** The conductor ends those who go; `hold` has it begin nothing more. Does not return: this supervisor ends with the old plan. */
export async function finishChange(pod: KeptPod, hold: () => Promise<unknown>): Promise<never> {
  const { plan, journal } = pod;
  const leaving = () => journal.state.containers.filter(({ leaveBy }) => leaveBy !== undefined);
  await journal.until(() => leaving().every(({ status }) => ["exited", "deleted", "planned"].includes(status)));
  await hold();
  const next = readNext(plan.paths);
  if (next === undefined) throw new PeapodError("STATE_DAMAGED", `pod ${plan.pod}: what it is to become is gone`);
  for (const { name } of leaving()) {
    const keeper = pod.containers.get(name);
    await keeper?.delete();
    if (keeper === undefined || keeper.state.status === "planned") continue;
    await endIo(pod, keeper.planned);
  }
  await removeBeyond(plan, next.plan);
  await pod.runtime.close();
  try {
    journal.append({ type: "pod.changed", ...next.change, containers: makeOutlines(next.plan.containers) });
  } catch (error) {
    pod.runtime.open();
    throw error;
  }
  try {
    installNext(plan.paths);
    // It goes of its own will, so that the next one takes nothing for a crash.
    writeFileSync(join(plan.paths.dir, "asleep"), "");
  } catch (error) {
    // For the next one, which does it again.
    pod.report(error, "what the pod has become could not be put in its place");
  }
  // At once, which the reaper takes for no fault.
  process.kill(process.pid, "SIGKILL");
  return new Promise<never>(() => undefined);
}

let preparing: Promise<void> | undefined;

/**
 * After the new plan was taken: what its containers need stands ready then. Does nothing where that was done.
 * @throws what the first step that failed throws, when all were tried; then it is to be done again
 */
export function prepareChanged(pod: KeptPod): Promise<void> {
  preparing ??= prepare(pod).finally(() => {
    preparing = undefined;
  });
  return preparing;
}

async function prepare(pod: KeptPod): Promise<void> {
  const { plan, journal } = pod;
  const { change } = journal;
  if (change === undefined || readTextIfAny(plan.paths.prepared) === change.request) return;
  const failures: unknown[] = [];
  for (const step of plan.stages.flat().filter(isShared))
    await executeStep(step, pod).catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
  writeFileAtomic(plan.paths.prepared, change.request, 0o600);
}

function isShared(step: Step): boolean {
  return step.do.startsWith("make-") || ["map-ids", "mount", "write-bundles"].includes(step.do);
}

/** @throws RUNTIME_FAILED where one of those who came did not start, WRONG_STATE where the pod ended before */
export async function untilChanged(pod: KeptPod, request: string): Promise<void> {
  const { plan, journal } = pod;
  await prepareChanged(pod);
  // Of one that others have followed since nothing is left to wait for.
  const fresh = journal.change?.request === request ? journal.change.fresh : [];
  const meant = () => journal.state.containers.filter(({ name }) => fresh.includes(name));
  const hasBegun = ({ status, restartBy }: ContainerState) =>
    restartBy === undefined && (status === "running" || status === "exited");
  await journal.until(() => journal.state.exitedAt !== undefined || meant().every(hasBegun));
  const failed = meant().find(({ reason }) => reason === "StartError");
  if (failed !== undefined) throw makeStartFailure(failed, "did not start");
  if (!meant().every(hasBegun))
    throw new PeapodError("WRONG_STATE", `pod ${plan.pod}: ended before its new containers were started`);
}
