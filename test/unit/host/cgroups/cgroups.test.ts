// Directories stand in for the cgroup file systems: what is made where, and what is never removed.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import {
  type CgroupFacts,
  freezePod,
  isFrozen,
  killCgroup,
  listCgroupDirs,
  listCgroupPids,
  makePodCgroup,
  removePodCgroup,
  thawPod,
} from "../../../../src/host/cgroups/cgroups.ts";
import type { PodCgroup } from "../../../../src/plan/plan.ts";

const CGROUP: PodCgroup = { driver: "cgroupfs", path: "/peapod/web", base: "/peapod" };

function v1(dir: string): CgroupFacts {
  const mount = (name: string) => join(dir, name);
  return {
    cgroupLayout: "v1",
    cgroupMounts: {
      cpu: mount("cpu,cpuacct"),
      cpuacct: mount("cpu,cpuacct"),
      cpuset: mount("cpuset"),
      freezer: mount("freezer"),
      "name=systemd": mount("systemd"),
    },
  };
}

function v2(dir: string): CgroupFacts {
  return { cgroupLayout: "v2", cgroupMounts: { unified: dir } };
}

const V1_TREE = {
  "cpu,cpuacct": {},
  cpuset: { "cpuset.cpus": "0-3\n", "cpuset.mems": "0\n" },
  freezer: {},
  systemd: {},
};

t.test("v1: the pod's cgroup is made in every hierarchy, and its cpuset is filled from above", async (t) => {
  const dir = t.testdir(V1_TREE);
  await makePodCgroup(CGROUP, v1(dir));
  await makePodCgroup(CGROUP, v1(dir));
  for (const name of Object.keys(V1_TREE)) t.ok(existsSync(join(dir, name, "peapod/web")), name);
  t.equal(readFileSync(join(dir, "cpuset/peapod/cpuset.cpus"), "utf8"), "0-3");
  t.equal(readFileSync(join(dir, "cpuset/peapod/web/cpuset.mems"), "utf8"), "0");
});

t.test("v1: a cpuset that somebody chose is left as it is", async (t) => {
  const dir = t.testdir({
    ...V1_TREE,
    cpuset: { "cpuset.cpus": "0-3", "cpuset.mems": "0", peapod: { "cpuset.cpus": "1", "cpuset.mems": "0" } },
  });
  await makePodCgroup(CGROUP, v1(dir));
  t.equal(readFileSync(join(dir, "cpuset/peapod/web/cpuset.cpus"), "utf8"), "1");
});

t.test("v2: controllers are handed down level by level, those that are missing only", async (t) => {
  const controls = { "cgroup.controllers": "cpu memory pids\n", "cgroup.subtree_control": "cpu\n" };
  const dir = t.testdir({ ...controls, peapod: { ...controls, web: controls } });
  await makePodCgroup(CGROUP, v2(dir));
  for (const level of ["", "peapod", "peapod/web"]) {
    t.equal(readFileSync(join(dir, level, "cgroup.subtree_control"), "utf8"), "+memory +pids", level);
  }
});

t.test("hybrid: v2's tree gets directories and no controllers", async (t) => {
  const dir = t.testdir({ ...V1_TREE, unified: { "cgroup.controllers": "hugetlb\n", "cgroup.subtree_control": "" } });
  const facts = v1(dir);
  await makePodCgroup(CGROUP, {
    cgroupLayout: "hybrid",
    cgroupMounts: { ...facts.cgroupMounts, unified: join(dir, "unified") },
  });
  t.ok(existsSync(join(dir, "unified/peapod/web")));
  t.equal(readFileSync(join(dir, "unified/cgroup.subtree_control"), "utf8"), "");
});

t.test("a hierarchy that is not there, or none at all, is what the host lacks", async (t) => {
  const dir = t.testdir();
  await t.rejects(makePodCgroup(CGROUP, v2(join(dir, "none"))), { code: "HOST_LACKS", message: /\/peapod\/web/ });
  await t.rejects(makePodCgroup(CGROUP, { cgroupLayout: "v2", cgroupMounts: {} }), { code: "HOST_LACKS" });
});

t.test("removing takes the pod with its leaves, and the base only with its last pod", async (t) => {
  const dir = t.testdir({ peapod: { web: { server: {}, client: { deeper: {} } }, other: {} } });
  await removePodCgroup(CGROUP, v2(dir));
  t.strictSame(readdirSync(join(dir, "peapod")), ["other"]);
  await removePodCgroup({ ...CGROUP, path: "/peapod/other" }, v2(dir));
  t.strictSame(readdirSync(dir), []);
  await t.resolves(removePodCgroup(CGROUP, v2(dir)), "what is not there is removed already");
});

t.test("a cgroup with processes in it stays, and they are named", async (t) => {
  const dir = t.testdir({ peapod: { web: { server: { "cgroup.procs": "41\n7\n" } } } });
  await t.rejects(removePodCgroup(CGROUP, v2(dir), 0), {
    code: "WRONG_STATE",
    message: /7, 41/,
    detail: { pids: [7, 41] },
  });
});

t.test("pids are those of all levels, each once, without those that we cannot see", async (t) => {
  const dir = t.testdir({
    peapod: { web: { "cgroup.procs": "", a: { "cgroup.procs": "9\n0\n" }, b: { "cgroup.procs": "10\n9\n" } } },
  });
  t.strictSame(listCgroupPids("/peapod/web", v2(dir)), [9, 10]);
  t.strictSame(listCgroupPids("/peapod/none", v2(dir)), []);
});

t.test("cgroups are listed once, in whichever hierarchy they are", async (t) => {
  const dir = t.testdir({
    ...V1_TREE,
    freezer: { peapod: { web: { a: {} } } },
    systemd: { peapod: { web: { b: {} } } },
  });
  t.strictSame(listCgroupDirs("/peapod", v1(dir)), ["/peapod", "/peapod/web", "/peapod/web/a", "/peapod/web/b"]);
});

t.test("freezing writes v1's words and v2's digits", async (t) => {
  const dir = t.testdir({
    freezer: { peapod: { web: { "freezer.state": "THAWED\n" } } },
    unified: { peapod: { web: { "cgroup.freeze": "0\n", "cgroup.events": "populated 1\nfrozen 1\n" } } },
  });
  const old: CgroupFacts = { cgroupLayout: "v1", cgroupMounts: { freezer: join(dir, "freezer") } };
  t.notOk(isFrozen(CGROUP, old));
  await freezePod(CGROUP, old);
  t.ok(isFrozen(CGROUP, old));
  await thawPod(CGROUP, old);
  t.equal(readFileSync(join(dir, "freezer/peapod/web/freezer.state"), "utf8"), "THAWED");
  await freezePod(CGROUP, v2(join(dir, "unified")));
  t.equal(readFileSync(join(dir, "unified/peapod/web/cgroup.freeze"), "utf8"), "1");
  t.ok(isFrozen(CGROUP, v2(join(dir, "unified"))));
});

t.test("a pod that is not there cannot be frozen, is thawed, and has nobody to kill", async (t) => {
  const dir = t.testdir();
  mkdirSync(join(dir, "peapod"));
  writeFileSync(join(dir, "peapod/x"), "");
  await t.rejects(freezePod(CGROUP, v2(dir)), { code: "NOT_FOUND" });
  await t.resolves(thawPod(CGROUP, v2(dir)));
  await t.resolves(killCgroup("/peapod/web", v2(dir)));
  t.notOk(isFrozen(CGROUP, v2(dir)));
});
