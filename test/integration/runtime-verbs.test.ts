// Every verb against the real runtime (PEAPOD_TEST_RUNTIME, else runc), in bundles of the test's own.

import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { killCgroup, listCgroupDirs, removePodCgroup } from "../../src/host/cgroups/cgroups.ts";
import { readProcess } from "../../src/host/processes.ts";
import { readHostFacts } from "../../src/host/read-facts.ts";
import { findRuntime } from "../../src/runtime/find-runtime.ts";
import { openRuntime, type Runtime } from "../../src/runtime/runtime.ts";
import { busyboxRootfs } from "../support/rootfs.ts";
import { aTempDir } from "../support/temp-dir.ts";
import { waitUntil } from "../support/wait-until.ts";

const facts = readHostFacts();
const BASE = `/peapod-test-${process.pid}`;
const BUNDLE = "bundle-";
const PROGRAM = process.env.PEAPOD_TEST_RUNTIME ?? "runc";

interface Place {
  readonly dir: string;
  readonly runtime: Runtime;
  /** Makes a bundle and creates its container; its output goes to the file `out`. */
  create(id: string, args: readonly string[]): Promise<{ readonly pid: number }>;
  output(): string;
}

async function aPlace(t: Test): Promise<Place> {
  const dir = aTempDir(t, {}, () => takeDown());
  const choice = await findRuntime(PROGRAM, join(dir, "cache"));
  const options = { choice, root: join(dir, "root"), callsDir: join(dir, "calls"), systemdCgroup: false };
  const runtime = openRuntime(options);
  const takeDown = async () => {
    for (const name of readdirSync(dir).filter((one) => one.startsWith(BUNDLE))) {
      await runtime.delete(name.slice(BUNDLE.length), { force: true });
    }
    await killCgroup(BASE, facts);
    if (listCgroupDirs(BASE, facts).length > 0) {
      await removePodCgroup({ driver: "cgroupfs", path: BASE, base: BASE }, facts);
    }
  };
  return {
    dir,
    runtime,
    create: async (id, args) => {
      const bundle = join(dir, BUNDLE + id);
      writeBundle(bundle, choice.path, id, args);
      const out = openSync(join(dir, "out"), "a");
      try {
        return await runtime.create({ id, bundle, pidFile: join(bundle, "pid"), stdio: ["ignore", out, out] });
      } finally {
        closeSync(out);
      }
    },
    output: () => readFileSync(join(dir, "out"), "utf8"),
  };
}

type Test = Parameters<Parameters<typeof t.test>[0]>[0];

/** The runtime's own sample, with our command and rootfs. */
function writeBundle(bundle: string, program: string, id: string, args: readonly string[]): void {
  mkdirSync(bundle);
  execFileSync(program, ["spec", "--bundle", bundle]);
  const file = join(bundle, "config.json");
  const config = JSON.parse(readFileSync(file, "utf8"));
  config.process.terminal = false;
  config.process.args = args;
  delete config.process.rlimits;
  config.root.path = busyboxRootfs();
  config.linux.cgroupsPath = `${BASE}/${id}`;
  writeFileSync(file, JSON.stringify(config));
}

const SLEEP = ["sleep", "600"];

t.test("a container's whole life, and every state on its way", async (t) => {
  const { runtime, create, output, dir } = await aPlace(t);
  t.equal(await runtime.state("web"), undefined);
  const { pid } = await create("web", ["sh", "-c", "echo hello; echo there >&2; exec sleep 600"]);
  t.match(readProcess(pid), { pid });
  t.strictSame(await runtime.state("web"), { status: "created", pid });
  t.equal(output(), "", "it waits for start");
  await runtime.start("web");
  await waitUntil("it has written", () => output() === "hello\nthere\n");
  t.strictSame(await runtime.state("web"), { status: "running", pid });
  await runtime.kill("web", "KILL");
  await waitUntil("it has ended", async () => (await runtime.state("web"))?.status === "stopped");
  t.strictSame(await runtime.state("web"), { status: "stopped", pid: 0 });
  await runtime.delete("web");
  t.equal(await runtime.state("web"), undefined);
  t.strictSame(readdirSync(join(dir, "calls")), [], "no call leaves files");
});

t.test("signals are taken as names and as numbers, and what is none is bad usage", async (t) => {
  const { runtime, create } = await aPlace(t);
  await create("web", ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done"]);
  await runtime.start("web");
  await t.rejects(runtime.kill("web", "NONSENSE"), {
    code: "BAD_USAGE",
    message: "container web: there is no such signal",
  });
  for (const signal of ["CONT", "SIGCONT", "18"]) await t.resolves(runtime.kill("web", signal), signal);
});

t.test("a command that is not in the rootfs is not found, and no container stays", async (t) => {
  const { runtime, create } = await aPlace(t);
  await t.rejects(create("web", ["no-such-command"]), {
    code: "NOT_FOUND",
    message: 'container web: command "no-such-command" not found in its rootfs',
  });
  t.equal(await runtime.state("web"), undefined);
});

t.test("verbs in the wrong order are told apart", async (t) => {
  const { runtime, create, dir } = await aPlace(t);
  await t.rejects(runtime.start("web"), { code: "NOT_FOUND" });
  await t.resolves(runtime.delete("web"), "what is not there is deleted");
  await create("web", SLEEP);
  const again = { id: "web", bundle: join(dir, `${BUNDLE}web`), pidFile: join(dir, "pid") };
  const out = openSync("/dev/null", "w");
  t.teardown(() => closeSync(out));
  await t.rejects(runtime.create({ ...again, stdio: ["ignore", out, out] }), { code: "ALREADY_EXISTS" });
  await runtime.start("web");
  await t.rejects(runtime.start("web"), { code: "WRONG_STATE", message: "container web: it is running already" });
  await t.rejects(runtime.delete("web"), { code: "WRONG_STATE" });
  await runtime.kill("web", "KILL");
  await waitUntil("it has ended", async () => (await runtime.state("web"))?.status === "stopped");
  await t.rejects(runtime.kill("web", "TERM"), { code: "WRONG_STATE", message: "container web: it is not running" });
  await t.rejects(runtime.start("web"), { code: "WRONG_STATE" });
});

t.test("force deletes what runs", async (t) => {
  const { runtime, create } = await aPlace(t);
  const { pid } = await create("web", SLEEP);
  await runtime.start("web");
  await runtime.delete("web", { force: true });
  t.equal(await runtime.state("web"), undefined);
  await waitUntil("its process is gone", () => [undefined, "Z"].includes(readProcess(pid)?.state));
});

t.test("exec runs in the container, with its own exit code, environment and directory", async (t) => {
  const { runtime, create } = await aPlace(t);
  await create("web", SLEEP);
  await runtime.start("web");
  const result = await runtime.exec({
    id: "web",
    args: ["sh", "-c", "echo $A $PWD; id -g; echo bad >&2; exit 7"],
    env: ["A=x y"],
    cwd: "/tmp",
    user: "0:5",
  });
  t.strictSame(result, { exitCode: 7, stdout: "x y /tmp\n5\n", stderr: "bad\n" });
  await t.rejects(runtime.exec({ id: "web", args: ["none"] }), {
    code: "NOT_FOUND",
    message: 'container web: command "none" not found in its rootfs',
  });
  await t.rejects(runtime.exec({ id: "web", args: ["ls"], cwd: "/none" }), { code: "NOT_FOUND", message: /\/none/ });
  await t.rejects(runtime.exec({ id: "nobody", args: ["ls"] }), { code: "NOT_FOUND" });
});

t.test("containers may be made side by side", async (t) => {
  const { runtime, create } = await aPlace(t);
  const ids = ["a", "b", "c"];
  const made = await Promise.all(ids.map((id) => create(id, SLEEP)));
  t.equal(new Set(made.map(({ pid }) => pid)).size, 3);
  await Promise.all(ids.map((id) => runtime.start(id)));
  for (const id of ids) t.match(await runtime.state(id), { status: "running" });
  await Promise.all(ids.map((id) => runtime.delete(id, { force: true })));
});
