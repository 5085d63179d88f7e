import t from "tap";
import { makeSliceUnit, startSlice, stopSlice } from "../../../../src/host/cgroups/cgroup-systemd.ts";

t.test("a pod's slice is the last name of its path", async (t) => {
  t.equal(makeSliceUnit("/peapod.slice/peapod-web.slice"), "peapod-web.slice");
  t.throws(() => makeSliceUnit("/peapod/web"), { code: "BUG" });
});

t.test("where systemd does not run the driver is refused, and there is nothing to take down", async (t) => {
  const booted = `${t.testdir()}/no-systemd`;
  await t.rejects(startSlice({ path: "/peapod.slice/peapod-web.slice", base: "/peapod.slice" }, booted), {
    code: "HOST_LACKS",
    hint: /cgroupfs/,
  });
  await t.resolves(stopSlice("/peapod.slice/peapod-web.slice", booted));
});
