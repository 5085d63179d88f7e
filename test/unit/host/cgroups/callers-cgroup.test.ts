import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import {
  findCallersDir,
  leaveCaller,
  moveCallerAside,
  putBelowCaller,
  readCallersPath,
} from "../../../../src/host/cgroups/callers-cgroup.ts";

const V2 = { cgroupLayout: "v2", cgroupMounts: { unified: "/sys/fs/cgroup" } } as const;

t.test("the rule is version 2's alone", async (t) => {
  t.equal(findCallersDir("/docker/id", V2), "/sys/fs/cgroup/docker/id");
  t.equal(findCallersDir("/docker/id", { ...V2, cgroupLayout: "hybrid" }), undefined);
});

t.test("a caller without processes has nobody to move, and his members get controllers", async (t) => {
  const dir = t.testdir({ "cgroup.procs": "", "cgroup.controllers": "cpu memory", "cgroup.subtree_control": "" });
  await moveCallerAside(dir);
  t.ok(existsSync(join(dir, ".peapod")));
  t.equal(readFileSync(join(dir, "cgroup.subtree_control"), "utf8"), "+cpu +memory");
});

t.test("who helps goes below the caller's, and a cgroup with somebody in it stays", async (t) => {
  const dir = t.testdir({ ".peapod": { "cgroup.procs": "" } });
  putBelowCaller(dir, 4711);
  t.equal(readFileSync(join(dir, ".peapod/cgroup.procs"), "utf8"), "4711");
  await leaveCaller(dir);
  t.ok(existsSync(join(dir, ".peapod")));
  t.doesNotThrow(() => putBelowCaller(join(dir, "gone"), 4711), "the caller took his away");
  t.notOk(existsSync(join(dir, "gone")));
});

t.test("of a process that is gone there is no path", async (t) => {
  t.equal(readCallersPath(2 ** 22 + 1, V2), undefined);
  t.type(readCallersPath(process.pid, V2), "string");
});
