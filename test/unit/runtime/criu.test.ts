// What CRIU is told beside the runtime's call, and which CRIU is taken; small scripts stand in for it.

import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { PeapodError } from "../../../src/base/errors.ts";
import { findCriu, makeCriuEnv, makeDumpConfig, makeExternalId, makeRestoreConfig } from "../../../src/runtime/criu.ts";

function aCriu(dir: string, script: string): string {
  const path = join(dir, "criu");
  mkdirSync(dir, { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

const failing = async (path: string | undefined): Promise<PeapodError> => {
  const error = await findCriu(path).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof PeapodError) return error;
  throw new Error("it was found");
};

t.test("a CRIU that works here is taken with its version", async (t) => {
  const path = aCriu(t.testdir(), 'case $1 in --version) echo "Version: 4.1.1";; check) echo Looks good.;; esac');
  t.same(await findCriu(path), { path, version: "4.1.1" });
});

t.test("one that says that it cannot work here is refused with its own reason", async (t) => {
  const says = "echo 'Error (criu/vdso.c:381): vdso: Unexpected rt vDSO area bounds' >&2; exit 1";
  const path = aCriu(t.testdir(), `case $1 in --version) echo "Version: 3.17.1";; check) ${says};; esac`);
  const error = await failing(path);
  t.equal(error.code, "HOST_LACKS");
  t.match(
    error.message,
    /^criu 3\.17\.1: cannot work on this kernel, Linux \S+: vdso: Unexpected rt vDSO area bounds$/,
  );
});

t.test("one that is not there, cannot be run or is no CRIU is refused", async (t) => {
  const dir = t.testdir();
  t.match(await failing(join(dir, "criu")), {
    code: "HOST_LACKS",
    message: `criu ${dir}/criu: there is no such program`,
  });
  t.match(await failing(aCriu(join(dir, "odd"), "echo hello")), {
    code: "HOST_LACKS",
    message: /which version it is$/,
  });
  t.match(await failing("/bin/sh"), { code: "BAD_USAGE" });
});

t.test("the runtime finds this CRIU before any other, and its file", async (t) => {
  const env = makeCriuEnv({ path: "/opt/c/criu", version: "4.1" }, "/tmp/web.conf");
  t.equal(env.PATH?.split(":")[0], "/opt/c");
  t.equal(env.CRIU_CONFIG_FILE, "/tmp/web.conf");
});

t.test("open files of ours are named alike on the way out and on the way in", async (t) => {
  const id = makeExternalId(27, 0x24e2e1);
  t.equal(id, "file[1b:24e2e1]");
  const criu = (version: string) => ({ path: "/usr/sbin/criu", version });
  t.equal(makeDumpConfig(criu("4.1.1"), [id], true), "external file[1b:24e2e1]\nnetwork-lock skip\n");
  t.equal(makeDumpConfig(criu("3.19"), [id], false), "external file[1b:24e2e1]\n", "others are in its network");
  t.equal(makeDumpConfig(criu("3.18"), [], true), "", "it does not know the word yet");
  t.equal(makeRestoreConfig([{ id, fd: 1 }]), "inherit-fd fd[1]:file[1b:24e2e1]\nleave-stopped\n");
});
