// The base profiles, bundles/profiles/*.json: what every container starts from before its plan is laid over it.

import defaultProfile from "../../bundles/profiles/default.json" with { type: "json" };
import privilegedProfile from "../../bundles/profiles/privileged.json" with { type: "json" };
import type { PlannedContainer } from "../plan/plan.ts";
import type { OciDeviceRule, OciMount } from "./oci-config.ts";

export interface Profile {
  readonly mounts: readonly OciMount[];
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
  readonly deviceRules: readonly OciDeviceRule[];
  readonly seccomp: boolean;
}

export function profileFor(container: PlannedContainer): Profile {
  return container.privileged ? privilegedProfile : defaultProfile;
}
