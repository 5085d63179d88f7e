// Broken runtimes, each a script of a few lines: whatever they do, one clear error comes of it.

import { closeSync, openSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { openRuntime, type Runtime, type RuntimeOptions } from "../../../src/runtime/runtime.ts";

/** The script finds the verb in $VERB, the log in $LOG and the pid file in $PIDFILE. */
const PREAMBLE = `#!/bin/sh
while [ $# -gt 0 ]; do
  case $1 in
    --root|--log-format|--bundle) shift;;
    --log) LOG=$2; shift;;
    --pid-file) PIDFILE=$2; shift;;
    create|start|kill|delete|state|exec) VERB=$1;;
  esac
  shift
done
`;

function aRuntime(dir: string, body: string, more: Partial<RuntimeOptions> = {}): Runtime {
  const path = join(dir, "runtime");
  writeFileSync(path, PREAMBLE + body, { mode: 0o755 });
  const choice = { kind: "runc", path, version: "1.1.5" } as const;
  return openRuntime({ choice, root: join(dir, "root"), callsDir: join(dir, "calls"), systemdCgroup: false, ...more });
}

async function create(dir: string, runtime: Runtime): Promise<{ readonly pid: number }> {
  const out = openSync(join(dir, "out"), "w");
  try {
    return await runtime.create({ id: "web", bundle: dir, pidFile: join(dir, "pid"), stdio: ["ignore", out, out] });
  } finally {
    closeSync(out);
  }
}

t.test("a runtime that does as it should gives the pid, and leaves no files of its calls", async (t) => {
  const dir = t.testdir();
  t.strictSame(await create(dir, aRuntime(dir, 'printf 4711 > "$PIDFILE"')), { pid: 4711 });
  t.strictSame(readdirSync(join(dir, "calls")), []);
});

const BROKEN = [
  ["says that it went well and writes no pid", "exit 0", "RUNTIME_FAILED", /wrote no pid/],
  ["writes garbage for a pid", 'echo garbage > "$PIDFILE"', "RUNTIME_FAILED", /wrote no pid/],
  ["writes a pid of nobody", 'echo 0 > "$PIDFILE"', "RUNTIME_FAILED", /wrote no pid/],
  ["prints garbage and fails", "echo garbage; echo garbage >&2; exit 1", "RUNTIME_FAILED", /exit code 1/],
  ["kills itself", "kill -SEGV $$", "RUNTIME_FAILED", /SIGSEGV/],
  ["logs garbage", 'echo "{" > "$LOG"; exit 9', "RUNTIME_FAILED", /exit code 9/],
  ["hangs", "exec sleep 60", "TIMED_OUT", /create took too long/],
] as const;

for (const [what, body, code, message] of BROKEN) {
  t.test(`a runtime that ${what} gives ${code}`, async (t) => {
    const dir = t.testdir();
    await t.rejects(create(dir, aRuntime(dir, body, { deadlinesMs: { create: 1000 } })), { code, message });
    t.strictSame(readdirSync(join(dir, "calls")), []);
  });
}

t.test("a pid of an earlier attempt is not taken for the new one's", async (t) => {
  const dir = t.testdir({ pid: "4711" });
  await t.rejects(create(dir, aRuntime(dir, "exit 0")), { code: "RUNTIME_FAILED" });
});

t.test("a runtime that went away since it was chosen is missing", async (t) => {
  const dir = t.testdir();
  const runtime = openRuntime({
    choice: { kind: "runc", path: join(dir, "none"), version: "1" },
    root: dir,
    callsDir: join(dir, "calls"),
    systemdCgroup: false,
  });
  await t.rejects(runtime.start("web"), { code: "RUNTIME_MISSING", message: /^container web: / });
});

t.test("what the runtime does not know is deleted already, and has no state", async (t) => {
  const dir = t.testdir();
  const runtime = aRuntime(dir, `echo '{"level":"error","msg":"container does not exist"}' > "$LOG"; exit 1`);
  await t.resolves(runtime.delete("web"));
  t.equal(await runtime.state("web"), undefined);
  await t.rejects(runtime.kill("web", "TERM"), { code: "NOT_FOUND" });
});

t.test("an exec hands on what the command wrote and how it ended", async (t) => {
  const runtime = aRuntime(t.testdir(), "echo out; echo err >&2; exit 3");
  t.strictSame(await runtime.exec({ id: "web", args: ["x"] }), { exitCode: 3, stdout: "out\n", stderr: "err\n" });
});

t.test("an exec that could not be begun is an error, not the command's exit code", async (t) => {
  const body = `echo '{"level":"error","msg":"exec failed: cannot exec in a stopped container"}' > "$LOG"; exit 255`;
  await t.rejects(aRuntime(t.testdir(), body).exec({ id: "web", args: ["x"] }), { code: "WRONG_STATE" });
});
