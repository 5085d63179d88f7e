// A root file system with nothing but busybox, made once for a test process. Pods never write to it.

import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const APPLETS = (
  "sh cat chgrp echo env false hostname httpd id kill ls mkdir mount nc ps pwd readlink rm seq sleep " +
  "sort stat stty tail test touch true tty uname usleep wc wget yes"
).split(" ");

let made: string | undefined;

export function busyboxRootfs(): string {
  if (made !== undefined) return made;
  const dir = mkdtempSync(join(tmpdir(), "pt-rootfs-"));
  process.once("exit", () => rmSync(dir, { recursive: true, force: true }));
  for (const name of ["bin", "dev", "etc", "proc", "root", "sys", "tmp", "var"]) mkdirSync(join(dir, name));
  chmodSync(join(dir, "tmp"), 0o1777);
  copyFileSync("/bin/busybox", join(dir, "bin", "busybox"));
  for (const applet of APPLETS) symlinkSync("busybox", join(dir, "bin", applet));
  writeFileSync(join(dir, "etc", "passwd"), "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n");
  writeFileSync(join(dir, "etc", "group"), "root:x:0:\nnobody:x:65534:\n");
  made = dir;
  return dir;
}

let madeForExamples: string | undefined;

/** The examples' own, made by their make-rootfs: a link to one that all of a test process share. */
export function exampleRootfs(path: string): void {
  if (madeForExamples === undefined) {
    const dir = mkdtempSync(join(tmpdir(), "pt-rootfs-"));
    process.once("exit", () => rmSync(dir, { recursive: true, force: true }));
    // In user namespaces others must pass through it.
    chmodSync(dir, 0o711);
    madeForExamples = join(dir, "rootfs");
    execFileSync(fileURLToPath(new URL("../../bundles/examples/make-rootfs", import.meta.url)), [madeForExamples]);
  }
  symlinkSync(madeForExamples, path);
}
