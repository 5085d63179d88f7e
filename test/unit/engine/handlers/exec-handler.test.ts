import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { PeapodError } from "../../../../src/base/errors.ts";
import { runHandler } from "../../../../src/engine/handlers/run-handler.ts";
import { readProcess } from "../../../../src/host/processes.ts";
import { waitUntil } from "../../../support/wait-until.ts";
import { aTarget, nothingLeft, openSockets } from "./fixtures.ts";

const target = aTarget(t);
const sh = (script: string, timeoutMs = 5000, more: object = {}) =>
  runHandler({ ...target, ...more }, { kind: "exec", command: ["/bin/sh", "-c", script] }, { timeoutMs });
const isAlive = (pid: number) => {
  const found = readProcess(pid);
  return found !== undefined && found.state !== "Z";
};
const pidIn = (file: string) => Number(readFileSync(file, "utf8"));

t.test("exit status 0 is a success, every other a failure with the first words of what was said", async (t) => {
  const before = openSockets();
  t.same(await sh("echo fine"), { ok: true, message: "" });
  t.same(await sh("exit 7"), { ok: false, message: "exit status 7" });
  t.same(await sh("echo no; echo '  luck' >&2; exit 1"), { ok: false, message: "exit status 1: no luck" });
  t.same(await sh("kill -9 $$"), { ok: false, message: "exit status 137" });
  t.match(await sh("yes | head -c 1000000; exit 3"), { ok: false, message: /^exit status 3: y y .{190,}…$/ });
  await nothingLeft(before);
});

t.test("a flood of output neither grows nor holds up", async (t) => {
  t.same(await sh("head -c 100000000 /dev/zero"), { ok: true, message: "" });
  t.same(await sh("yes", 300), { ok: false, message: "did not end in 0.3 s" });
});

t.test("what cannot be run says why, in the runtime's words where it has some", async (t) => {
  const missing = { kind: "exec", command: ["/nowhere"] } as const;
  t.match(await runHandler(target, missing, { timeoutMs: 5000 }), { ok: false, message: /exit status 127: .*nowhere/ });
  const failure = new PeapodError("NOT_FOUND", "container web: has no /nowhere");
  const runtime = { execCommand: () => ({ program: "/bin/false", args: [], explain: async () => failure }) };
  const outcome = await runHandler({ ...target, runtime }, missing, { timeoutMs: 5000 });
  t.same(outcome, { ok: false, message: "container web: has no /nowhere" });
});

t.test("at its deadline all that it started is killed", async (t) => {
  const dir = target.callsDir;
  const script = `echo $$ >${dir}/self; sleep 1000 & echo $! >${dir}/child
    setsid sh -c 'echo $$ >${dir}/session; sleep 1000' &
    (setsid sh -c 'trap "" TERM HUP; echo $$ >${dir}/orphan; exec sleep 1000' & )
    while [ ! -s ${dir}/orphan ] || [ ! -s ${dir}/session ]; do sleep 0.01; done; echo >${dir}/ready; sleep 1000`;
  const abort = new AbortController();
  const running = runHandler(
    target,
    { kind: "exec", command: ["/bin/sh", "-c", script] },
    { timeoutMs: 60_000, signal: abort.signal },
  );
  await waitUntil("all of them run", () => existsSync(join(dir, "ready")));
  abort.abort();
  t.same(await running, { ok: false, message: "was called off" });
  for (const name of ["self", "child", "session", "orphan"]) t.notOk(isAlive(pidIn(join(dir, name))), name);
  const began = Date.now();
  t.same(await sh("sleep 1000", 200), { ok: false, message: "did not end in 0.2 s" });
  t.ok(Date.now() - began < 3000);
});

t.test("when its owner is killed all that it started goes too", async (t) => {
  const file = join(target.callsDir, "left");
  const script = `
    import { runHandler } from ${JSON.stringify(import.meta.resolve("../../../../src/engine/handlers/run-handler.ts"))};
    const runtime = { execCommand: ({ args }) => ({ program: args[0], args: args.slice(1), explain: async () => undefined }) };
    const target = { id: "web", pid: process.pid, startTime: 0, runtime, program: ${JSON.stringify(target.program)}, callsDir: ${JSON.stringify(target.callsDir)} };
    await runHandler(target, { kind: "exec", command: ["/bin/sh", "-c", "echo $$ >${file}; sleep 1000"] }, { timeoutMs: 60000 });`;
  const owner = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: "inherit" });
  await waitUntil("the command runs", () => existsSync(file) && pidIn(file) > 0);
  const pid = pidIn(file);
  t.ok(isAlive(pid));
  owner.kill("SIGKILL");
  await waitUntil("it is gone", () => !isAlive(pid));
  t.same(
    readdirSync(target.callsDir).filter((name) => name.endsWith(".pid")),
    [],
  );
});
