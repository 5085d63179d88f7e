// Handlers of probes and hooks against real containers: in the container's network, in its root file system, and with
// nothing of them left in it.

import { spawn } from "node:child_process";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PodName } from "../../src/base/names.ts";
import type { HandlerTarget } from "../../src/engine/handlers/handler.ts";
import { runHandler } from "../../src/engine/handlers/run-handler.ts";
import { readPlan, readPodNames, readPodState } from "../../src/engine/looking/reader.ts";
import { listCgroupPids } from "../../src/host/cgroups/cgroups.ts";
import { readProcess } from "../../src/host/processes.ts";
import { readHostFacts } from "../../src/host/read-facts.ts";
import type { Handler } from "../../src/manifest/probe.ts";
import { openRuntime } from "../../src/runtime/runtime.ts";
import { DRIVER } from "../support/driver.ts";
import { BIN, type PeapodHost, type PodFile, testWithPeapod } from "../support/peapod-host.ts";
import { PodBundle } from "../support/pod-bundle.ts";
import { patient } from "../support/slowness.ts";
import { waitUntil } from "../support/wait-until.ts";

const facts = readHostFacts();
const SITE = "mkdir -p /tmp/www && echo hello >/tmp/www/index.html && exec httpd -f -p 8080 -h /tmp/www";

interface Place {
  readonly target: HandlerTarget;
  readonly run: (handler: Handler, timeoutMs?: number) => ReturnType<typeof runHandler>;
  /** Pids in the container's cgroup. */
  readonly pids: () => readonly number[];
}

function placeOf(host: PeapodHost, pod: PodFile, name: string): Place {
  const plan = readPlan(host.root, pod.name as PodName);
  const state = readPodState(host.root, pod.name as PodName).containers.find((one) => one.name === name);
  const planned = plan.containers.find((one) => one.name === name);
  if (state?.pid === undefined || planned === undefined) throw new Error(`${pod.name}: has no container ${name}`);
  const { runtimeRoot: root, calls: callsDir } = plan.paths;
  const target = {
    id: name,
    pid: state.pid,
    startTime: state.startTime ?? 0,
    runtime: openRuntime({ choice: plan.runtime, root, callsDir, systemdCgroup: DRIVER === "systemd" }),
    program: join(BIN, "peapod-probe"),
    callsDir,
  };
  return {
    target,
    run: (handler, timeoutMs = patient(10_000)) => runHandler(target, handler, { timeoutMs }),
    pids: () => [...listCgroupPids(planned.cgroupPath, facts)],
  };
}

const sh = (script: string): Handler => ({ kind: "exec", command: ["sh", "-c", script] });
const get = (port: number, path = "/"): Handler => ({
  kind: "httpGet",
  scheme: "HTTP",
  host: "localhost",
  port,
  path,
  headers: [],
});

testWithPeapod(
  "httpGet and tcpSocket reach what listens in the container's own network, and only that",
  async (t, host) => {
    const pod = host.aPod({
      containers: [
        { name: "web", run: SITE },
        { name: "alone", run: "exec sleep 1000" },
      ],
      annotations: { "peapod/namespaces.alone": "net=private" },
    });
    await host.must("run", "-d", pod.file);
    const web = placeOf(host, pod, "web");
    await waitUntil(
      "httpd listens",
      async () => (await web.run({ kind: "tcpSocket", host: "localhost", port: 8080 })).ok,
    );
    t.same(await web.run(get(8080)), { ok: true, message: "" });
    t.same(await web.run(get(8080, "/nothing")), { ok: false, message: "HTTP 404" });
    t.same(await web.run(get(8081)), { ok: false, message: "connection refused" });
    t.same(await placeOf(host, pod, "alone").run(get(8080)), { ok: false, message: "connection refused" });
  },
);

testWithPeapod("exec runs as the container does, and tells how it ended", async (t, host) => {
  const pod = host.aPod({
    containers: [
      {
        name: "web",
        run: "cd /tmp; echo here >mark; exec sleep 1000",
        env: [{ name: "COLOUR", value: "green" }],
        securityContext: { runAsUser: 65534 },
      },
    ],
  });
  await host.must("run", "-d", pod.file);
  const { run, target } = placeOf(host, pod, "web");
  await waitUntil("it has written its mark", async () => (await run(sh("test -f /tmp/mark"))).ok);
  t.same(await run(sh('test "$(id -u)" = 65534 && test "$COLOUR" = green')), { ok: true, message: "" });
  t.same(await run(sh("echo too bad; exit 3")), { ok: false, message: "exit status 3: too bad" });
  t.match(await run({ kind: "exec", command: ["nowhere"] }), {
    ok: false,
    message: /nowhere.*(not found|no such file)/i,
  });
  const gone = { ...target, startTime: target.startTime + 1 };
  const outcome = await runHandler(gone, get(80), { timeoutMs: patient(5000) });
  t.same(outcome, { ok: false, message: "its container is gone" });
});

for (const shared of [false, true]) {
  const where = shared ? "the pod's" : "its own";
  testWithPeapod(
    `an exec that is too slow leaves nothing in a container with ${where} pid namespace`,
    async (t, host) => {
      const pod = host.aPod({
        containers: [{ name: "web", run: "exec sleep 1000" }],
        spec: { shareProcessNamespace: shared },
      });
      await host.must("run", "-d", pod.file);
      const { run, pids } = placeOf(host, pod, "web");
      const before = pids();
      t.same(await run(sh("sleep 999 & (sleep 998 &) ; sleep 997"), 500), {
        ok: false,
        message: "did not end in 0.5 s",
      });
      await waitUntil("only the container's own are left", () => pids().length === before.length);
      t.same(pids(), before);
      // Its command has ended; what it left holds the output open, and the runtime waits for that.
      t.equal((await run(sh("trap '' TERM; sleep 996 &"), 500)).ok, false);
      await waitUntil("only the container's own are left", () => pids().length === before.length);
      t.same(await run(sh("exit 0")), { ok: true, message: "" }, "the next one is as good as ever");
    },
  );
}

/** A health service that says SERVING to whoever asks. */
const GRPC_SERVER = `
const server = require("node:http2").createServer();
server.on("stream", (stream) => {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(Buffer.from([0, 0, 0, 0, 2, 8, 1]));
});
server.listen(9000, "127.0.0.1", () => console.log("listening"));
`;

testWithPeapod("grpc asks a health service in the container's network", async (t, host) => {
  const pod = host.aPod({ containers: [{ name: "web" }] });
  await host.must("run", "-d", pod.file);
  const { run, target } = placeOf(host, pod, "web");
  const file = join(host.dir, "server.cjs");
  writeFileSync(file, GRPC_SERVER);
  const server = spawn("nsenter", [`--net=/proc/${target.pid}/ns/net`, process.execPath, file]);
  try {
    await new Promise((resolve) => server.stdout.once("data", resolve));
    t.same(await run({ kind: "grpc", port: 9000, service: "" }), { ok: true, message: "" });
    t.same(await run({ kind: "grpc", port: 9001, service: "" }), { ok: false, message: "connection refused" });
  } finally {
    server.kill("SIGKILL");
    await new Promise((resolve) => server.once("close", resolve));
  }
});

testWithPeapod("a hundred handlers leave the container as it was, and no file behind", async (t, host) => {
  const pod = host.aPod({ containers: [{ name: "web", run: SITE }] });
  await host.must("run", "-d", pod.file);
  const { run, pids, target } = placeOf(host, pod, "web");
  await waitUntil("httpd listens", async () => (await run(get(8080))).ok);
  const before = pids();
  for (let i = 0; i < 25; i += 1) {
    const all = [get(8080), get(1), sh("exit 1"), sh("sleep 100")].map((one) => run(one, 400));
    for (const [index, outcome] of (await Promise.all(all)).entries()) if (index > 0) t.notOk(outcome.ok);
  }
  await waitUntil("only the container's own are left", () => pids().length === before.length);
  t.same(
    readdirSync(target.callsDir).filter((name) => /^(probe|exec)-/.test(name)),
    [],
  );
  t.equal(readProcess(target.pid)?.state, "S");
});

testWithPeapod("members of a pod in a caller's container are asked in its network", async (t, host) => {
  const bundle = new PodBundle(host, "p1").withPod([
    { name: "web", run: SITE },
    { name: "other", run: "exec sleep 1000" },
  ]);
  try {
    await bundle.up();
    const [name] = readPodNames(host.root);
    const { run, pids } = placeOf(host, { name: String(name), file: "" }, "other");
    await waitUntil("httpd listens", async () => (await run(get(8080))).ok);
    t.same(await run(get(8081)), { ok: false, message: "connection refused" });
    const before = pids();
    t.same(await run(sh("exit 3")), { ok: false, message: "exit status 3" });
    t.same(await run(sh("(sleep 998 &); sleep 997"), 500), { ok: false, message: "did not end in 0.5 s" });
    await waitUntil("only the member's own are left", () => pids().length === before.length);
  } finally {
    await bundle.end();
    rmSync(join(host.root, "sandboxes"), { recursive: true, force: true });
  }
});
