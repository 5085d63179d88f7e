// `peapod bundle`: the manifest as bundles that plain runc runs.

import { resolve } from "node:path";
import { PeapodError } from "../../base/errors.ts";
import { writeStandaloneBundles } from "../../bundle/write-standalone-bundles.ts";
import type { Plan } from "../../plan/plan.ts";
import type { BundleReport, EngineOptions, PlanRequest } from "../engine.ts";
import type { Programs } from "../programs.ts";
import { makePodPlan } from "./make-pod-plan.ts";

/** @throws what planning throws; ALREADY_EXISTS where `outDir` has something in it */
export async function bundlePod(
  options: EngineOptions,
  programs: Programs,
  request: PlanRequest & { readonly outDir: string },
): Promise<BundleReport> {
  const planned = await makePodPlan(options, programs, { ...request, isBundle: true });
  assertNoSecrets(planned.plan);
  const plan = writeStandaloneBundles(planned.plan, resolve(request.outDir));
  return { plan, bundles: plan.containers.map(({ name, paths }) => ({ container: name, dir: paths.bundle })) };
}

/** Bundles lie on a disk, and are given away. */
function assertNoSecrets(plan: Plan): void {
  if (plan.sandbox.vault === undefined) return;
  const container = plan.containers.find(({ process }) => process.isSecret);
  const volume = plan.sandbox.volumes.find((one) => one.kind === "files" && one.isSecret);
  const what = container === undefined ? `volume ${volume?.name}` : `container ${container.name}`;
  throw new PeapodError("NOT_SUPPORTED", `${what}: has a Secret, which is not written into bundles`, {
    hint: "peapod run keeps it in memory; bundle --explain shows the rest without -o",
  });
}
