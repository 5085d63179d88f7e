// The base profiles, bundles/profiles/*.json: what every container starts from before its plan is laid over it.

import defaultProfile from "../../bundles/profiles/default.json" with { type: "json" };
import privilegedProfile from "../../bundles/profiles/privileged.json" with { type: "json" };
import type { OuterConfig } from "../plan/outer.ts";
import type { Plan, PlannedContainer } from "../plan/plan.ts";
import type { OciDeviceRule, OciMount } from "./oci-config.ts";

export interface Profile {
  readonly mounts: readonly OciMount[];
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
  readonly deviceRules: readonly OciDeviceRule[];
  /** Beyond what a plan decides: handed on as a caller's config.json has it. */
  readonly process?: Readonly<Record<string, unknown>>;
  readonly linux?: Readonly<Record<string, unknown>>;
}

export function profileFor({ outer }: Plan, container: PlannedContainer): Profile {
  if (outer !== undefined) return outerProfile(outer.config);
  return container.privileged ? privilegedProfile : defaultProfile;
}

/** What a member inherits from the container that its pod lives in. */
function outerProfile({ process, mounts, linux }: OuterConfig): Profile {
  const { rlimits, oomScoreAdj, apparmorProfile, selinuxLabel } = process;
  const { devices, seccomp, mountLabel } = linux ?? {};
  return {
    mounts: (mounts ?? []).map(({ destination, type = "none", source = "none", options = [] }) => ({
      destination,
      type,
      source,
      options,
    })),
    maskedPaths: linux?.maskedPaths ?? [],
    readonlyPaths: linux?.readonlyPaths ?? [],
    deviceRules: (linux?.resources?.devices ?? []) as readonly OciDeviceRule[],
    process: withoutUnset({ rlimits, oomScoreAdj, apparmorProfile, selinuxLabel }),
    linux: withoutUnset({ devices, seccomp, mountLabel }),
  };
}

function withoutUnset(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
