// doctor knows everything of ours on the machine and whose it is; what nobody needs it removes when asked, and nothing else.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ContainerName, PodName } from "../../src/base/names.ts";
import { makeCgroupBase, makePodPaths, podsDir } from "../../src/base/paths.ts";
import { EXIT } from "../../src/doors/cli/exit-codes.ts";
import type { DoctorObject, DoctorReport } from "../../src/engine/engine.ts";
import { makeCgroup, makeContainerCgroup } from "../../src/plan/cgroups.ts";
import { DRIVER } from "../support/driver.ts";
import { type PeapodHost, type PodFile, testWithPeapod } from "../support/peapod-host.ts";
import { readTraces } from "../support/traces.ts";
import { waitUntil } from "../support/wait-until.ts";

async function examine(host: PeapodHost, ...args: string[]): Promise<DoctorReport & { readonly code: number | null }> {
  const { code, out, err } = await host.peapod("doctor", "--format", "json", ...args);
  if (out === "") throw new Error(err);
  return { ...(JSON.parse(out) as DoctorReport), code };
}

function ofPod(objects: readonly DoctorObject[], pod: string): DoctorObject[] {
  return objects.filter(({ owner }) => owner === pod || owner?.startsWith(`${pod}/`));
}

function namesOf(objects: readonly DoctorObject[], kind: string): string[] {
  return objects.filter((object) => object.kind === kind).map((object) => object.name);
}

/** As a power cut does it: every process of the pod is gone at once, and all else stays. */
async function crash(host: PeapodHost, pod: PodFile): Promise<void> {
  const { dir } = makePodPaths(host.root, pod.name as PodName);
  const reaper = Number(readFileSync(join(dir, "reaper.pid"), "utf8"));
  const { objects } = await examine(host);
  const pids = namesOf(ofPod(objects, pod.name), "process").map(Number);
  // The reaper and the supervisor first: they would tidy up.
  const children = readFileSync(`/proc/${reaper}/task/${reaper}/children`, "utf8")
    .split(" ")
    .filter(Boolean)
    .map(Number);
  const all = [...new Set([reaper, ...children, ...pids])];
  for (const pid of all) process.kill(pid, "SIGSTOP");
  for (const pid of all) if (existsSync(`/proc/${pid}`)) process.kill(pid, "SIGKILL");
  await waitUntil("all are gone", () => all.every((pid) => !isRunning(pid)));
}

function isRunning(pid: number): boolean {
  try {
    return !/^State:\t[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

testWithPeapod("for a living pod every object is listed with its owner, and none is left over", async (t, host) => {
  const containers = [{ name: "web" }, { name: "db" }];
  const spec = { shareProcessNamespace: true, volumes: [{ name: "ram", emptyDir: { medium: "Memory" } }] };
  const pod = host.aPod({ name: "shop", containers, spec });
  await host.must("run", "-d", pod.file);
  const { code, objects, fixed } = await examine(host);
  t.equal(code, 0);
  t.same(fixed, []);
  t.same(
    objects.filter((object) => object.orphan),
    [],
  );
  for (const { owner } of objects) t.match(owner, /^shop(\/(web|db|_pause))?$/);
  // The tracer looks at the machine with eyes of its own.
  const lines = readTraces(host.root).map((line) => line.split(/[ :]/).slice(0, 2).join(" "));
  const told = new Set(objects.map(({ kind, name }) => `${kind === "namespace" ? "mount" : kind} ${name}`));
  // A supervisor that goes to sleep in between is in one of the two only.
  const missing = lines.filter((line) => !told.has(line) && !line.startsWith("cgroup ") && !isProcessGone(line));
  t.same(missing, [], "nothing that is there is missing");
  const state = await host.state(pod);
  for (const { name, pid } of state.containers) {
    t.match(
      objects.find((object) => object.kind === "process" && object.name === String(pid)),
      { owner: `shop/${name}` },
      `process ${pid} is ${name}'s`,
    );
  }
  t.ok(namesOf(objects, "namespace").length > 0);
  const cgroup = makeCgroup(host.root, "shop" as PodName, DRIVER);
  const leaves = ["_pause", "db", "web"].map((name) => makeContainerCgroup(cgroup, name as ContainerName));
  t.same(namesOf(objects, "cgroup").sort(), [cgroup.path, ...leaves]);
  t.match(namesOf(objects, "socket"), [/control\.sock$/]);
  t.match(await host.must("doctor"), /0 left over, 0 removed\n$/);
});

function isProcessGone(line: string): boolean {
  const pid = /^process (\d+)$/.exec(line)?.[1];
  return pid !== undefined && !isRunning(Number(pid));
}

testWithPeapod("--fix leaves a living pod alone, whatever state it is in", async (t, host) => {
  const pods = ["running", "created", "paused", "exited"].map((name) => host.aPod({ name, containers: 2 }));
  const [running, created, paused, exited] = pods as [PodFile, PodFile, PodFile, PodFile];
  for (const pod of [running, paused, exited]) await host.must("run", "-d", pod.file);
  await host.must("create", created.file);
  await host.must("pause", paused.name);
  await host.must("stop", exited.name);
  t.match(await examine(host, "--fix"), { code: 0, fixed: [] });
  for (const pod of pods) t.equal((await host.state(pod)).status, pod.name);
  await host.must("resume", paused.name);
});

testWithPeapod("a pod whose reaper alone died is not left over", async (t, host) => {
  const pod = host.aPod();
  await host.must("run", "-d", pod.file);
  const { dir } = makePodPaths(host.root, pod.name as PodName);
  await waitUntil("its supervisor sleeps", () => existsSync(join(dir, "asleep")));
  process.kill(Number(readFileSync(join(dir, "reaper.pid"), "utf8")), "SIGKILL");
  t.match(await examine(host, "--fix"), { code: 0, fixed: [] });
  t.equal((await host.state(pod)).containers[0]?.status, "running");
});

testWithPeapod(
  "after a crash of the machine all that is left is found and removed, and the living are not touched",
  async (t, host) => {
    const dead = host.aPod({ name: "dead", containers: 2, spec: { shareProcessNamespace: true } });
    const alive = host.aPod({ name: "alive" });
    for (const pod of [dead, alive]) await host.must("run", "-d", pod.file);
    await crash(host, dead);
    const found = await examine(host);
    t.equal(found.code, EXIT.found);
    t.same(
      ofPod(found.objects, "dead").filter((object) => !object.orphan),
      [],
      "all of the dead is left over",
    );
    t.same(
      found.objects.filter(({ orphan, owner }) => orphan && !owner?.startsWith("dead")),
      [],
      "and nothing of the living",
    );
    for (const kind of ["mount", "namespace", "cgroup", "directory", "socket"]) {
      t.ok(namesOf(ofPod(found.objects, "dead"), kind).length > 0, `there are leftovers of kind ${kind}`);
    }
    t.match(await host.peapod("doctor"), { code: EXIT.found, out: /left over: /, err: /hint: peapod doctor --fix/ });
    const fixed = await examine(host, "--fix");
    t.equal(fixed.code, 0);
    t.same(ofPod(fixed.fixed, "dead").length, ofPod(found.objects, "dead").length, "every one of them was removed");
    t.match(await examine(host), { code: 0, fixed: [] });
    t.same(ofPod((await examine(host)).objects, "dead"), []);
    t.equal((await host.state(alive)).status, "running");
    await host.must("run", "-d", dead.file);
    t.equal((await host.state(dead)).status, "running", "its name is free again");
  },
);

testWithPeapod("a directory without a plan", async (t, host) => {
  const dir = join(podsDir(host.root), "ruin");
  mkdirSync(dir, { recursive: true });
  t.match(await examine(host, "--fix"), { code: 0, fixed: [] }, "one that was made this moment may be a pod to be");
  const past = new Date(Date.now() - 60_000);
  utimesSync(dir, past, past);
  t.same(JSON.parse(await host.must("list", "--format", "json")), [], "list is not troubled");
  t.match(await host.peapod("state", "ruin"), {
    code: EXIT.failed,
    err: /plan\.json is missing\nhint: peapod delete --force ruin/,
  });
  t.match(await examine(host), { code: EXIT.found, objects: [{ kind: "directory", owner: "ruin", orphan: true }] });
  t.match(await examine(host, "--fix"), { code: 0, fixed: [{ kind: "directory", owner: "ruin" }] });
  t.notOk(existsSync(dir));
});

testWithPeapod("delete --force takes away a directory without a plan as well", async (t, host) => {
  const dir = join(podsDir(host.root), "ruin");
  mkdirSync(dir, { recursive: true });
  t.equal(await host.must("delete", "--force", "ruin"), "");
  t.notOk(existsSync(dir));
});

testWithPeapod("things that are no pod's, between pods that live", async (t, host) => {
  const pod = host.aPod();
  await host.must("run", "-d", pod.file);
  writeFileSync(join(podsDir(host.root), "A Strange Name"), "");
  mkdirSync(join(podsDir(host.root), "_", "x"), { recursive: true });
  const report = await examine(host, "--fix");
  t.equal(report.code, 0);
  t.same(report.fixed.map((object) => object.owner).sort(), ["A Strange Name", "_"]);
  t.same(readdirSync(podsDir(host.root)), [pod.name]);
  t.equal((await host.state(pod)).status, "running");
});

testWithPeapod("a cgroup without a pod, empty or with a process", async (t, host) => {
  const living = host.aPod();
  await host.must("run", "-d", living.file);
  const freezer = existsSync("/sys/fs/cgroup/freezer") ? "/sys/fs/cgroup/freezer" : "/sys/fs/cgroup";
  const base = join(freezer, makeCgroupBase(host.root));
  mkdirSync(join(base, "gone", "web"), { recursive: true });
  t.match(
    (await examine(host)).objects.filter((object) => object.orphan),
    [{ owner: "gone" }, { owner: "gone/web" }],
  );
  t.match(await examine(host, "--fix"), { code: 0, fixed: [{ owner: "gone" }, { owner: "gone/web" }] });
  t.notOk(existsSync(join(base, "gone")));
  mkdirSync(join(base, "gone", "web"), { recursive: true });
  const pid = execFileSync("sh", ["-c", "sleep 1000 >/dev/null 2>&1 & echo $!"], { encoding: "utf8" }).trim();
  writeFileSync(join(base, "gone", "web", "cgroup.procs"), pid);
  t.match(await examine(host, "--fix"), { code: 0 });
  t.notOk(isRunning(Number(pid)), "the process is gone");
  t.notOk(existsSync(join(base, "gone")));
  // On version 2 the kernel lets no process in.
  if (DRIVER === "systemd" || freezer === "/sys/fs/cgroup") return;
  // A process in the base itself belongs to no pod, and its removal must not take the pods along.
  const stray = execFileSync("sh", ["-c", "sleep 1000 >/dev/null 2>&1 & echo $!"], { encoding: "utf8" }).trim();
  writeFileSync(join(base, "cgroup.procs"), stray);
  await examine(host, "--fix");
  t.equal((await host.state(living)).status, "running");
  process.kill(Number(stray), "SIGKILL");
});

testWithPeapod("logs without a pod", async (t, host) => {
  const { logs } = makePodPaths(host.root, "gone" as PodName);
  mkdirSync(logs, { recursive: true });
  t.match(await examine(host), { code: EXIT.found, objects: [{ kind: "directory", name: logs, orphan: true }] });
  t.match(await examine(host, "--fix"), { code: 0, fixed: [{ name: logs }] });
  t.notOk(existsSync(logs));
  rmSync(join(host.root, "logs"), { recursive: true, force: true });
});
