// Shell scripts stand in for runtimes.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { findRuntime } from "../../../src/runtime/find-runtime.ts";

/** A program that counts how often it was run. */
function aProgram(dir: string, name: string, body: string): string {
  const path = join(dir, name);
  writeFileSync(path, `#!/bin/sh\necho run >> ${path}.runs\n${body}\n`, { mode: 0o755 });
  return path;
}

function runsOf(path: string): number {
  return readFileSync(`${path}.runs`, "utf8").split("\n").length - 1;
}

t.test("a runtime says itself what it is, and is asked once for as long as it stays the same", async (t) => {
  const dir = t.testdir();
  const path = aProgram(dir, "my-runc", "echo 'runc version 1.2.3+x'; echo 'spec: 1.2.0'");
  const choice = { kind: "runc", path, version: "1.2.3+x" };
  t.strictSame(await findRuntime(path, join(dir, "cache")), choice);
  t.strictSame(await findRuntime(path, join(dir, "cache")), choice);
  t.equal(runsOf(path), 1);
  aProgram(dir, "my-runc", "echo 'runc version 1.3.0 and more of it'");
  t.match(await findRuntime(path, join(dir, "cache")), { version: "1.3.0" });
});

t.test("a cache that cannot be written or read costs a question, nothing more", async (t) => {
  const dir = t.testdir({ cache: "a file where a directory should be", damaged: { "runtimes.json": "{" } });
  const path = aProgram(dir, "my-crun", "echo 'crun version 1.8.1'");
  t.match(await findRuntime(path, join(dir, "cache")), { kind: "crun", version: "1.8.1" });
  t.match(await findRuntime(path, join(dir, "damaged")), { kind: "crun" });
});

t.test("a program that is not there, or is none, is missing", async (t) => {
  const dir = t.testdir({ plain: "no program", directory: {} });
  for (const name of ["no-such-runtime", join(dir, "none"), join(dir, "plain"), join(dir, "directory")]) {
    await t.rejects(findRuntime(name, dir), { code: "RUNTIME_MISSING", hint: /runc/ }, name);
  }
  writeFileSync(join(dir, "noint"), "#!/no/such/interpreter\n", { mode: 0o755 });
  await t.rejects(findRuntime(join(dir, "noint"), dir), { code: "RUNTIME_MISSING", message: /ENOENT/ });
});

t.test("a program that is no runtime is refused", async (t) => {
  const dir = t.testdir();
  for (const body of ["echo garbage", "exit 3", "echo 'podman version 4'", ""]) {
    await t.rejects(findRuntime(aProgram(dir, "other", body), join(dir, "cache")), { code: "RUNTIME_FAILED" }, body);
  }
});
