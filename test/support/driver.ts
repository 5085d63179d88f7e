// Who makes cgroups in this run of the tests: PEAPOD_CGROUP_DRIVER, which every peapod that a test starts obeys as well.

export const DRIVER = process.env.PEAPOD_CGROUP_DRIVER === "systemd" ? "systemd" : "cgroupfs";
