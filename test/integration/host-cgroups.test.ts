// Real cgroups of this machine's layout, below a base of the test's own.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import t from "tap";
import {
  freezePod,
  isFrozen,
  killCgroup,
  listCgroupDirs,
  listCgroupPids,
  makePodCgroup,
  removePodCgroup,
  thawPod,
} from "../../src/host/cgroups/cgroups.ts";
import { readProcess } from "../../src/host/processes.ts";
import { readHostFacts } from "../../src/host/read-facts.ts";
import type { PodCgroup } from "../../src/plan/plan.ts";
import { waitUntil } from "../support/wait-until.ts";

const facts = readHostFacts();
const MOUNTS = [...new Set(Object.values(facts.cgroupMounts))];
const BASE = `/peapod-test-${process.pid}`;

function aCgroup(name: string): PodCgroup {
  return { driver: "cgroupfs", path: `${BASE}/${name}`, base: BASE };
}

/** A shell in the cgroup's leaf `main`, in every hierarchy, that forks all the time. */
async function spawnIn(cgroup: PodCgroup): Promise<ChildProcess> {
  const child = spawn("sh", ["-c", "read go; while :; do sleep 0.01; done"], { stdio: ["pipe", "ignore", "ignore"] });
  await once(child, "spawn");
  for (const mount of MOUNTS) {
    const leaf = `${mount}${cgroup.path}/main`;
    mkdirSync(leaf, { recursive: true });
    if (mount === facts.cgroupMounts.cpuset && facts.cgroupLayout !== "v2") {
      writeFileSync(`${leaf}/cpuset.cpus`, "0");
      writeFileSync(`${leaf}/cpuset.mems`, "0");
    }
    writeFileSync(`${leaf}/cgroup.procs`, String(child.pid));
  }
  child.stdin?.end("go\n");
  return child;
}

t.teardown(async () => {
  for (const path of listCgroupDirs(BASE, facts)) await killCgroup(path, facts);
  if (listCgroupDirs(BASE, facts).length > 0) await removePodCgroup({ ...aCgroup("x"), path: BASE }, facts);
});

t.test("the pod's cgroup is there in every hierarchy, fit to take a process, and goes with its base", async (t) => {
  const cgroup = aCgroup("web");
  await makePodCgroup(cgroup, facts);
  await makePodCgroup(cgroup, facts);
  for (const mount of MOUNTS) t.ok(existsSync(mount + cgroup.path), mount);
  t.strictSame(listCgroupDirs(BASE, facts), [BASE, cgroup.path]);
  await removePodCgroup(cgroup, facts);
  t.strictSame(listCgroupDirs(BASE, facts), []);
});

t.test("pods that come and go at the same moment do not take the base from each other", async (t) => {
  const lives = Array.from({ length: 20 }, async (_, index) => {
    const cgroup = aCgroup(`p${index}`);
    for (let round = 0; round < 5; round += 1) {
      await makePodCgroup(cgroup, facts);
      await new Promise((resolve) => setImmediate(resolve));
      await removePodCgroup(cgroup, facts);
    }
  });
  await t.resolves(Promise.all(lives));
  t.strictSame(listCgroupDirs(BASE, facts), []);
});

t.test("a frozen pod stands still in all its processes, and goes on when thawed", async (t) => {
  const cgroup = aCgroup("frozen");
  await makePodCgroup(cgroup, facts);
  const child = await spawnIn(cgroup);
  t.ok(listCgroupPids(cgroup.path, facts).includes(child.pid ?? 0));
  await freezePod(cgroup, facts);
  t.ok(isFrozen(cgroup, facts));
  const before = listCgroupPids(cgroup.path, facts);
  await new Promise((resolve) => setTimeout(resolve, 50));
  t.strictSame(listCgroupPids(cgroup.path, facts), before, "nobody forks");
  await thawPod(cgroup, facts);
  t.notOk(isFrozen(cgroup, facts));
  const asBefore = before.join();
  await waitUntil("it forks again", () => listCgroupPids(cgroup.path, facts).join() !== asBefore);
  const exited = once(child, "exit");
  await killCgroup(cgroup.path, facts);
  await exited;
  await removePodCgroup(cgroup, facts);
});

t.test("killing a cgroup ends those who fork, and those who are frozen", async (t) => {
  const cgroup = aCgroup("killed");
  await makePodCgroup(cgroup, facts);
  const child = await spawnIn(cgroup);
  await freezePod({ ...cgroup, path: `${cgroup.path}/main` }, facts);
  const exited = once(child, "exit");
  await killCgroup(`${cgroup.path}/main`, facts);
  const [, signal] = await exited;
  t.equal(signal, "SIGKILL");
  t.strictSame(listCgroupPids(cgroup.path, facts), []);
  await removePodCgroup(cgroup, facts);
  t.strictSame(listCgroupDirs(BASE, facts), []);
});

const { unified: _, ...V1_MOUNTS } = facts.cgroupMounts;
const noV1 = Object.keys(V1_MOUNTS).length === 0 ? "this machine has no cgroup v1" : false;

t.test(
  "without the kernel's own way to kill a cgroup its processes are killed one by one",
  { skip: noV1 },
  async (t) => {
    const cgroup = aCgroup("looped");
    await makePodCgroup(cgroup, facts);
    const child = await spawnIn(cgroup);
    const exited = once(child, "exit");
    await killCgroup(cgroup.path, { cgroupLayout: "v1", cgroupMounts: V1_MOUNTS });
    await exited;
    t.equal(readProcess(child.pid ?? 0), undefined);
    await removePodCgroup(cgroup, facts);
  },
);

t.test("a cgroup in use is not removed, and its processes are named", async (t) => {
  const cgroup = aCgroup("used");
  await makePodCgroup(cgroup, facts);
  const child = await spawnIn(cgroup);
  await t.rejects(removePodCgroup(cgroup, facts, 50), { code: "WRONG_STATE", message: new RegExp(String(child.pid)) });
  const exited = once(child, "exit");
  await killCgroup(cgroup.path, facts);
  await exited;
  await removePodCgroup(cgroup, facts);
});
