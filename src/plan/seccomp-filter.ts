// A seccomp profile of the user's as the filter of one container: its conditions on capabilities, processor and kernel
// are answered, as Docker and podman answer them, and what remains is the runtime specification's. Names of system calls
// are left to the runtime, which passes over those that its libseccomp does not know.

import { constants } from "node:os";
import type { SeccompProfile } from "../generated/seccomp-profile.ts";

export type { SeccompProfile };

export interface SeccompFilter {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly architectures: readonly string[];
  readonly flags?: readonly string[];
  readonly syscalls: readonly SeccompRule[];
}

export interface SeccompRule {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number;
  readonly args?: readonly SeccompArg[];
}

export interface SeccompArg {
  readonly index: number;
  readonly value: number;
  readonly valueTwo?: number;
  readonly op: string;
}

export interface SeccompHost {
  /** Node's word: `x64`, `arm64`. */
  readonly arch: string;
  /** `6.1.0-18-amd64` */
  readonly kernel: string;
  /** The container's bounding set, with `CAP_`. */
  readonly capabilities: readonly string[];
}

type Rule = NonNullable<SeccompProfile["syscalls"]>[number];
type Conditions = NonNullable<Rule["includes"]>;

/** Node's word to libseccomp's and to Go's, which profiles use in conditions. */
const ARCHITECTURES: Readonly<Record<string, readonly [scmp: string, go: string]>> = {
  x64: ["SCMP_ARCH_X86_64", "amd64"],
  arm64: ["SCMP_ARCH_AARCH64", "arm64"],
};

export function makeSeccompFilter(profile: SeccompProfile, host: SeccompHost): SeccompFilter {
  const errno = errnoOf(profile.defaultErrnoRet, profile.defaultErrno);
  return {
    defaultAction: profile.defaultAction,
    ...(errno === undefined ? {} : { defaultErrnoRet: errno }),
    architectures: makeArchitectures(profile, host.arch),
    ...(profile.flags?.length ? { flags: profile.flags } : {}),
    syscalls: (profile.syscalls ?? []).flatMap((rule) => makeRule(rule, host)),
  };
}

function makeArchitectures({ architectures, archMap }: SeccompProfile, arch: string): readonly string[] {
  if (architectures?.length) return architectures;
  const native = ARCHITECTURES[arch]?.[0];
  const mapped = archMap?.find(({ architecture }) => architecture === native);
  return mapped === undefined ? [] : [mapped.architecture, ...(mapped.subArchitectures ?? [])];
}

function makeRule(rule: Rule, host: SeccompHost): SeccompRule[] {
  const names = [...(rule.name === undefined ? [] : [rule.name]), ...(rule.names ?? [])];
  if (names.length === 0 || !isIncluded(rule.includes, host) || isExcluded(rule.excludes, host)) return [];
  const errno = errnoOf(rule.errnoRet, rule.errno);
  return [
    {
      names,
      action: rule.action,
      ...(errno === undefined ? {} : { errnoRet: errno }),
      ...(rule.args?.length ? { args: rule.args } : {}),
    },
  ];
}

/** All that is asked for must be there. */
function isIncluded(asked: Conditions | null | undefined, host: SeccompHost): boolean {
  if (asked == null) return true;
  return (
    (asked.caps ?? []).every((name) => host.capabilities.includes(name)) &&
    (!asked.arches?.length || asked.arches.includes(ARCHITECTURES[host.arch]?.[1] ?? host.arch)) &&
    isKernelAtLeast(host.kernel, asked.minKernel)
  );
}

/** Any of it is enough. */
function isExcluded(asked: Conditions | null | undefined, host: SeccompHost): boolean {
  if (asked == null) return false;
  return (
    (asked.caps ?? []).some((name) => host.capabilities.includes(name)) ||
    (asked.arches ?? []).includes(ARCHITECTURES[host.arch]?.[1] ?? host.arch) ||
    (Boolean(asked.minKernel) && isKernelAtLeast(host.kernel, asked.minKernel))
  );
}

function isKernelAtLeast(kernel: string, wanted: string | undefined): boolean {
  if (!wanted) return true;
  const [major = 0, minor = 0] = kernel.split(/[.-]/).map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split(".").map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

/** podman writes the name beside the number, or alone. */
function errnoOf(number: number | null | undefined, name: string | undefined): number | undefined {
  if (number != null) return number;
  return name ? (constants.errno as Readonly<Record<string, number>>)[name] : undefined;
}
