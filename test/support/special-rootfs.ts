// A root file system with a program that anybody who runs it runs as root, unless the kernel was told otherwise.

import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { busyboxRootfs } from "./rootfs.ts";

/** `/bin/whom` says the effective user it runs as. Made in `dir`. */
export function rootfsWithSetuid(dir: string): string {
  const rootfs = join(dir, "setuid-rootfs");
  if (existsSync(rootfs)) return rootfs;
  cpSync(busyboxRootfs(), rootfs, { recursive: true, verbatimSymlinks: true });
  const source = join(dir, "whom.c");
  writeFileSync(
    source,
    '#include <stdio.h>\n#include <unistd.h>\nint main(void) { return printf("euid=%d\\n", (int)geteuid()) < 0; }\n',
  );
  const program = join(rootfs, "bin", "whom");
  execFileSync(existsSync("/usr/bin/musl-gcc") ? "musl-gcc" : "cc", ["-static", "-o", program, source]);
  chmodSync(program, 0o4755);
  return rootfs;
}

/** `/etc/passwd` and `/etc/group` of its own, in a copy of the busybox root file system. */
export function rootfsWithAccounts(dir: string, name: string, passwd: string, group: string): string {
  const rootfs = join(dir, name);
  cpSync(busyboxRootfs(), rootfs, { recursive: true, verbatimSymlinks: true });
  writeFileSync(join(rootfs, "etc/passwd"), passwd);
  writeFileSync(join(rootfs, "etc/group"), group);
  return rootfs;
}
