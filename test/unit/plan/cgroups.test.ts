import t from "tap";
import type { ContainerName, PodName } from "../../../src/base/names.ts";
import { makeBases, makeContainerCgroup, makePossibleCgroups, ownerOfCgroup } from "../../../src/plan/cgroups.ts";

t.test("whoever made a cgroup, its path tells whose it is", async (t) => {
  for (const root of ["/run/peapod", "/tmp/other"]) {
    for (const cgroup of makePossibleCgroups(root, "a-b" as PodName)) {
      const path = makeContainerCgroup(cgroup, "web-1" as ContainerName);
      t.equal(ownerOfCgroup(cgroup.path), "a-b");
      t.equal(ownerOfCgroup(path), "a-b/web-1");
      t.equal(ownerOfCgroup(`${path}/inner`), "a-b/web-1/inner");
    }
  }
});

t.test("each root has a base of its own with each driver", async (t) => {
  const bases = [...makeBases("/run/peapod"), ...makeBases("/tmp/other")];
  t.equal(new Set(bases).size, 4);
  t.match(bases.slice(0, 2), ["/peapod", "/peapod.slice"]);
});
