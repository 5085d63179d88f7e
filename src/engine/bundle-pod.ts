// `peapod bundle`: the manifest as bundles that plain runc runs.

import { resolve } from "node:path";
import { writeStandaloneBundles } from "../bundle/write-standalone-bundles.ts";
import type { BundleReport, EngineOptions, PlanRequest } from "./engine.ts";
import { makePodPlan } from "./make-pod-plan.ts";
import type { Programs } from "./programs.ts";

/** @throws what planning throws; ALREADY_EXISTS where `outDir` has something in it */
export async function bundlePod(
  options: EngineOptions,
  programs: Programs,
  request: PlanRequest & { readonly outDir: string },
): Promise<BundleReport> {
  const planned = await makePodPlan(options, programs, request);
  const plan = writeStandaloneBundles(planned.plan, resolve(request.outDir));
  return { plan, bundles: plan.containers.map(({ name, paths }) => ({ container: name, dir: paths.bundle })) };
}
