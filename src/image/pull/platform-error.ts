// An image for another kind of machine.

import { PeapodError } from "../../base/errors.ts";
import { makePlatform } from "./parse-image.ts";

export function notForUs(platforms: readonly string[]): PeapodError {
  const made = platforms.length === 0 ? "no platform" : [...new Set(platforms)].join(", ");
  return new PeapodError("NOT_SUPPORTED", `is made for ${made}, and this machine is ${makePlatform(process.arch)}`);
}
