// A root file system with nothing but busybox, made once for a test process. Pods never write to it.

import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const APPLETS = (
  "sh cat echo env false hostname httpd id kill ls mkdir mount nc ps pwd readlink rm seq sleep " +
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
