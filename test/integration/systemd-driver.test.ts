// What the systemd driver alone promises; all else is tested with it by PEAPOD_CGROUP_DRIVER=systemd (scripts/test-in-vm).

import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import type { PodName } from "../../src/base/names.ts";
import { makePodPaths } from "../../src/base/paths.ts";
import { startSlice, stopSlice } from "../../src/host/cgroups/cgroup-systemd.ts";
import { makeCgroup } from "../../src/plan/cgroups.ts";
import { killIfThere } from "../support/if-any.ts";
import { callersOf, reaperOf, supervisorOf } from "../support/own-processes.ts";
import { testWithPeapod } from "../support/peapod-host.ts";
import { waitUntil } from "../support/wait-until.ts";

const options = {
  skip: !existsSync("/run/systemd/system") && "needs systemd",
  env: { PEAPOD_CGROUP_DRIVER: "systemd" },
};

const isActive = (path: string) =>
  spawnSync("systemctl", ["is-active", "--quiet", path.slice(path.lastIndexOf("/") + 1)]).status === 0;

testWithPeapod(
  "pods whose containers have one name run side by side, and the slice of all goes with the last",
  async (t, host) => {
    const pods = [host.aPod({ name: "a-b" }), host.aPod({ name: "a" })];
    for (const pod of pods) await host.must("run", "-d", pod.file);
    for (const pod of pods) t.equal((await host.state(pod)).status, "running");
    const { base, path } = makeCgroup(host.root, "a-b" as PodName, "systemd");
    t.ok(isActive(path));
    await host.must("delete", "--force", "a");
    t.ok(isActive(path), "the other's stays");
    await host.must("delete", "--force", "a-b");
    await waitUntil("the slice above is gone", () => !isActive(base));
  },
  options,
);

testWithPeapod(
  "a slice of all that systemd made by itself goes with the last pod as well",
  async (t, host) => {
    const pod = host.aPod();
    const { base } = makeCgroup(host.root, pod.name as PodName, "systemd");
    // What a pod gets that comes at the instant at which the last one's goes.
    spawnSync("systemctl", ["start", base.slice(1)]);
    t.ok(isActive(base));
    await host.must("run", "-d", pod.file);
    t.ok(isActive(base));
    await host.must("delete", "--force", pod.name);
    await waitUntil("the slice above is gone", () => !isActive(base));
  },
  options,
);

testWithPeapod(
  "pods that come and go at the same moment leave nothing above them",
  async (t, host) => {
    const lives = ["a", "b", "c"].map(async (name) => {
      const cgroup = makeCgroup(host.root, name as PodName, "systemd");
      for (let round = 0; round < 5; round += 1) {
        await startSlice(cgroup);
        t.ok(isActive(cgroup.path));
        await stopSlice(cgroup.path);
      }
    });
    await Promise.all(lives);
    const { base } = makeCgroup(host.root, "a" as PodName, "systemd");
    await waitUntil("the slice above is gone", () => !isActive(base));
  },
  options,
);

testWithPeapod(
  "a container that the kernel killed for memory is told from one that somebody killed",
  async (t, host) => {
    const resources = { limits: { memory: "24Mi" } };
    const containers = [
      { name: "greedy", run: ["/bin/tail", "/dev/zero"], resources },
      { name: "killed", resources },
    ];
    const pod = host.aPod({ containers });
    await host.must("run", "-d", pod.file);
    const reasonOf = async (name: string) =>
      (await host.state(pod)).containers.find((one) => one.name === name)?.reason ?? undefined;
    await waitUntil("one is out of memory", async () => (await reasonOf("greedy")) !== undefined);
    t.equal(await reasonOf("greedy"), "OOMKilled");
    await host.must("kill", pod.name, "KILL", "-c", "killed");
    await waitUntil("the other is dead", async () => (await reasonOf("killed")) !== undefined);
    t.equal(await reasonOf("killed"), "Error");
  },
  options,
);

testWithPeapod(
  "what a crash left is found, and taken away",
  async (t, host) => {
    const pod = host.aPod();
    await host.must("run", "-d", pod.file);
    const { path } = makeCgroup(host.root, pod.name as PodName, "systemd");
    for (const pid of [supervisorOf(host, pod), ...callersOf(host, pod), reaperOf(host, pod)]) killIfThere(pid);
    rmSync(makePodPaths(host.root, pod.name as PodName).plan, { force: true });
    t.match(await host.must("doctor"), new RegExp(`${path}/.*-c1\\.scope`));
    await host.must("delete", "--force", pod.name);
    t.notOk(isActive(path));
    t.notOk(existsSync(`/sys/fs/cgroup${path}`));
  },
  options,
);
