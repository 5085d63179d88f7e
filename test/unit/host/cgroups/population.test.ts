import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import {
  hasCgroups,
  killContainer,
  listContainerPids,
  listPidsByRoot,
} from "../../../../src/host/cgroups/population.ts";
import { waitUntil } from "../../../support/wait-until.ts";

const NO_CGROUPS = { cgroupLayout: "hybrid", cgroupMounts: {} } as const;

t.test("a directory that is no mount of its own has nobody in it, whatever device it shares", async (t) => {
  const rootfs = join(t.testdir({}), "rootfs");
  mkdirSync(rootfs);
  t.same(listPidsByRoot(rootfs), []);
  t.same(listPidsByRoot(join(rootfs, "nowhere")), []);
  t.equal(hasCgroups(NO_CGROUPS), false);
});

t.test("the first process is ended where it is in no mount of the container's", async (t) => {
  const child = spawn("sleep", ["1000"], { stdio: "ignore" });
  const ended = new Promise((resolve) => child.once("exit", (_, signal) => resolve(signal)));
  const pid = child.pid ?? 0;
  const { readProcess } = await import("../../../../src/host/processes.ts");
  await waitUntil("it runs", () => readProcess(pid) !== undefined);
  const dwelling = { cgroupPath: "/x", paths: { rootfs: join(t.testdir({}), "rootfs") } };
  t.same(listContainerPids(dwelling, NO_CGROUPS), []);
  await killContainer(dwelling, NO_CGROUPS, { pid, startTime: (readProcess(pid)?.startTime ?? 0) + 1 });
  t.ok(readProcess(pid), "not one that only has its pid");
  await killContainer(dwelling, NO_CGROUPS, { pid, startTime: readProcess(pid)?.startTime });
  t.equal(await ended, "SIGKILL");
});
