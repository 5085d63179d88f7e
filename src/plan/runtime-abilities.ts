// What a runtime of a given kind and version can do, as far as plans differ by it.

import type { RuntimeChoice } from "./plan.ts";

/** runc knows the time namespace from 1.2.0 on; crun since 0.13. */
export function knowsTimeNamespace(runtime: RuntimeChoice): boolean {
  return runtime.kind === "runc" ? isAtLeast(runtime.version, "1.2") : isAtLeast(runtime.version, "0.13");
}

/** `least`: `1.2`, the first two numbers of a version. */
export function isAtLeast(version: string, least: string): boolean {
  const [major = 0, minor = 0] = version.split(/[^0-9]+/).map(Number);
  const [leastMajor = 0, leastMinor = 0] = least.split(".").map(Number);
  return major > leastMajor || (major === leastMajor && minor >= leastMinor);
}
