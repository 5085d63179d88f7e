// Texts that nobody else has. The kernel makes them: loading Node's crypto takes 4 ms, a tenth of our own way up.

import { readFileSync } from "node:fs";

/** A random UUID (RFC 9562, version 4), as the kernel makes it (random(4)). */
export function makeUuid(): string {
  return readFileSync("/proc/sys/kernel/random/uuid", "latin1").trimEnd();
}
