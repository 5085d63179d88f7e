// Lines as CRIU 3.17, 4.1 and 4.2 wrote them.

import t from "tap";
import { findCriuReason } from "../../../src/runtime/criu-log.ts";

t.test("the first error is the reason, and what is always said is none", async (t) => {
  const dump = [
    "(00.039285) Error (criu/util.c:1533): rlimit: Can't setup RLIMIT_NOFILE for self: Operation not permitted",
    "(00.058748) Warn  (compel/arch/x86/src/lib/infect.c:418): Will restore 9511 with interrupted system call",
    "(00.152422) Error (criu/files-reg.c:1790): Can't lookup mount=27 for fd=1 path=/tmp/o",
    "(00.152437) Error (criu/cr-dump.c:1681): Dump files (pid: 3652) failed with -1",
    "(00.228015) Error (criu/cr-dump.c:2111): Dumping FAILED.",
  ];
  t.equal(findCriuReason(dump.join("\n")), "Can't lookup mount=27 for fd=1 path=/tmp/o");
});

t.test("the restorer's own words count as well, and a check's, which have no times", async (t) => {
  const restore = "(00.030190) pie: 65: Error (criu/pie/parasite-vdso.c:297): vdso: Can't find vDSO area in image\n";
  t.equal(findCriuReason(restore), "vdso: Can't find vDSO area in image");
  const check =
    "Error (criu/vdso.c:381): vdso: Unexpected rt vDSO area bounds\nError (criu/vdso.c:613): vdso: Failed\n";
  t.equal(findCriuReason(check), "vdso: Unexpected rt vDSO area bounds");
});

t.test("without an error there is no reason", async (t) => {
  t.equal(findCriuReason(""), undefined);
  t.equal(findCriuReason("(00.1) Warn  (criu/x.c:1): odd\n(00.2) Dumping finished successfully\n"), undefined);
});
