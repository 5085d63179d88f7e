// What this machine's kernel can do.

import { readFileSync } from "node:fs";

const [major = 0, minor = 0] = readFileSync("/proc/sys/kernel/osrelease", "latin1").split(".").map(Number);

/** PIDFD_GET_INFO tells the exit of a process that somebody else has reaped: from 6.15 on. */
export const TELLS_EXITS = major > 6 || (major === 6 && minor >= 15);
