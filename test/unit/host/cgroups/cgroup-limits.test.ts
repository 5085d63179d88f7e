// On directories that stand in for hierarchies; what the real kernel does is test/integration/update.test.ts.

import { readFileSync } from "node:fs";
import t from "tap";
import { writePodLimits } from "../../../../src/host/cgroups/cgroup-limits.ts";
import { hierarchy } from "./a-hierarchy.ts";

const CGROUP = { driver: "cgroupfs", path: "/peapod/web", base: "/peapod" } as const;

t.test("limits are written where they are others", async (t) => {
  const dir = t.testdir();
  const facts = hierarchy(dir, { "memory.max": "max", "pids.max": "max", "cpu.weight": "1" });
  await writePodLimits(CGROUP, facts, { cpuShares: 2, memoryLimitBytes: 4096, pidsLimit: 7 });
  t.equal(readFileSync(`${dir}/peapod/web/memory.max`, "utf8"), "4096");
  t.equal(readFileSync(`${dir}/peapod/web/cpu.weight`, "utf8"), "1\n", "this one was so already");
});

t.test("where one cannot be had, those before it are put back", async (t) => {
  const dir = t.testdir();
  const facts = hierarchy(dir, { "memory.max": "max" });
  await t.rejects(writePodLimits(CGROUP, facts, { memoryLimitBytes: 4096, pidsLimit: 7 }), {
    code: "HOST_LACKS",
    message: "cgroup /peapod/web: has no limit of pids, this kernel has no pids.max",
  });
  t.equal(readFileSync(`${dir}/peapod/web/memory.max`, "utf8"), "max");
  await t.resolves(writePodLimits(CGROUP, facts, { cpuShares: 2 }), "a weight that nobody can have is no harm");
});

t.test("a caller's cgroup is left alone", async (t) => {
  await t.resolves(
    writePodLimits({ ...CGROUP, isCallers: true }, { cgroupLayout: "v2", cgroupMounts: {} }, { pidsLimit: 1 }),
  );
});
