// Builds one of our C programs for a test, with the flags of the real build.

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");
const SOURCES = {
  "peapod-reaper": ["reaper", "launch", "settle", "exits", "watch"].map((part) => `src/exits/${part}.c`),
  "peapod-io": ["io", "sink", "attach", "input", "keeper", "tell"].map((part) => `src/io/${part}.c`),
  "peapod-caller": ["src/base/caller.c"],
  "peapod-idmap": ["src/host/idmap.c"],
  "peapod-probe": ["src/base/probe.c"],
} as const;
const FLAGS = ["-static", "-Os", "-Wall", "-Wextra", "-Werror", "-std=c11"];

/** Returns the program's path in `dir`. `compiler`: musl-gcc where it is installed. */
export function buildNative(dir: string, program: keyof typeof SOURCES, compiler = findCompiler()): string {
  const out = join(dir, program);
  execFileSync(compiler, [...FLAGS, "-o", out, ...SOURCES[program].map((source) => join(ROOT, source))]);
  return out;
}

function findCompiler(): string {
  return existsSync("/usr/bin/musl-gcc") ? "musl-gcc" : "cc";
}
