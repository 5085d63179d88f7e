// On a directory that stands in for version 2's hierarchy; what the real kernel gives back is test/integration/update.test.ts.

import { readFileSync } from "node:fs";
import t from "tap";
import { fitMemory } from "../../../../src/host/cgroups/fit-memory.ts";
import { hierarchy } from "./a-hierarchy.ts";

t.test("what fits is let be, what does not is asked back, and refused where it stays", async (t) => {
  const dir = t.testdir();
  const facts = hierarchy(dir, { "memory.current": "5000", "memory.reclaim": "" });
  const reclaimed = () => readFileSync(`${dir}/peapod/web/memory.reclaim`, "utf8").trim();
  await fitMemory("container a", "/peapod/web", 5000, facts);
  t.equal(reclaimed(), "", "nobody is asked");
  await t.rejects(fitMemory("container a", "/peapod/web", 4096, facts), {
    code: "WRONG_STATE",
    message: "container a: 5000 bytes of memory are in use, more than a limit of 4096",
  });
  t.equal(reclaimed(), "904");
});

t.test("a kernel without memory.reclaim, a cgroup that is gone, and version 1", async (t) => {
  const dir = t.testdir();
  const facts = hierarchy(dir, { "memory.current": "5000" });
  await t.rejects(fitMemory("container a", "/peapod/web", 1, facts), { code: "WRONG_STATE" });
  await t.resolves(fitMemory("container a", "/peapod/gone", 1, facts));
  await t.resolves(fitMemory("container a", "/peapod/web", 1, { cgroupLayout: "v1", cgroupMounts: { memory: dir } }));
});
