// Limits change while containers run: all of them or none, and for as long as the pod lives.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PodName } from "../../src/base/names.ts";
import { makePodPaths } from "../../src/base/paths.ts";
import { CPUS, isV2, MEMORY, PIDS, QUOTA, RESERVATION, readLimit, SHARES } from "../support/cgroup-files.ts";
import { type PeapodHost, type PodFile, testWithPeapod } from "../support/peapod-host.ts";
import { waitUntil } from "../support/wait-until.ts";

const MIB = 2 ** 20;
const LIMITED = { resources: { limits: { cpu: "500m", memory: "32Mi" } } };

function reader(host: PeapodHost, pod: PodFile) {
  return (container: string | undefined, names: Parameters<typeof readLimit>[3]) =>
    readLimit(host.root, pod.name, container, names);
}

testWithPeapod("a container's limits change while it runs, and the pod's grow along", async (t, host) => {
  const pod = host.aPod({
    containers: [
      { name: "a", ...LIMITED },
      { name: "b", ...LIMITED },
    ],
  });
  await host.must("run", "-d", pod.file);
  const read = reader(host, pod);
  await host.must(
    "update",
    pod.name,
    "a",
    "--memory",
    "64m",
    "--cpus",
    "1.5",
    "--pids-limit",
    "99",
    "--cpu-shares",
    "300",
  );
  t.equal(read("a", MEMORY), String(64 * MIB));
  t.equal(read("a", QUOTA), "150000");
  t.equal(read("a", PIDS), "99");
  t.equal(read("a", SHARES), isV2 ? "12" : "300");
  t.equal(read(undefined, MEMORY), String(96 * MIB));
  t.equal(read(undefined, QUOTA), "200000");
  t.equal(read("b", MEMORY), String(32 * MIB));
  await host.must("update", pod.name, "a", "--memory", "16m", "--cpus", "0.25");
  t.equal(read("a", MEMORY), String(16 * MIB));
  t.equal(read("a", RESERVATION), String(16 * MIB), "what is left to it is no more than it may have");
  t.equal(read(undefined, MEMORY), String(48 * MIB));
  t.equal(read(undefined, QUOTA), "75000");
  await host.must("update", pod.name, "a", "--cpus", "0", "--pids-limit", "-1", "--memory-reservation", "0");
  t.equal(read("a", QUOTA), "-1");
  t.equal(read(undefined, QUOTA), "-1", "where one has no limit the pod has none");
  t.equal(read("a", PIDS), "max");

  const state = await host.json<{ containers: { name: string; resources: Record<string, number> }[] }>(
    "state",
    pod.name,
  );
  t.match(state.containers[0], { name: "a", resources: { memoryLimitBytes: 16 * MIB, cpuQuotaUs: -1, pidsLimit: -1 } });
  t.equal(state.containers[1]?.resources, null);
  const { resources } = JSON.parse(await host.must("inspect", pod.name));
  t.equal(resources.containers.a.memoryLimitBytes, 16 * MIB);
  t.equal(resources.pod.memoryLimitBytes, 48 * MIB);
  const bundle = JSON.parse(
    readFileSync(join(makePodPaths(host.root, pod.name as PodName).bundles, "a", "config.json"), "utf8"),
  );
  t.equal(bundle.linux.resources.memory.limit, 16 * MIB, "its next life has them, too");
});

testWithPeapod("the pod's own limits change", async (t, host) => {
  const pod = host.aPod({
    containers: [
      { name: "a", ...LIMITED },
      { name: "b", ...LIMITED },
    ],
  });
  await host.must("run", "-d", pod.file);
  const read = reader(host, pod);
  await host.must("update", pod.name, "--memory", "256m", "--pids-limit", "77", "--cpuset-cpus", "0");
  t.same([read(undefined, MEMORY), read(undefined, PIDS)], [String(256 * MIB), "77"]);
  await host.must("update", pod.name, "a", "-m", "40m");
  t.equal(read(undefined, MEMORY), String(256 * MIB), "what was said of the pod itself stays");
  await host.must("update", pod.name, "--memory", "-1", "--pids-limit", "-1");
  t.equal(read(undefined, PIDS), "max");
  if (!isV2)
    t.same(
      [undefined, "a", "b"].map((name) => read(name, CPUS)),
      ["0", "0", "0"],
      "the containers follow",
    );
  const bad = await host.peapod("update", pod.name, "--cpuset-cpus", "0-4095");
  t.equal(bad.code, 125);
  t.match(bad.err, /the kernel does not take \S*0-4095 as cpuset/);
  if (!isV2) t.equal(read(undefined, CPUS), "0");
});

/** Takes some megabytes, and keeps them. */
const HUNGRY = {
  run: "x=$(seq 400000); while :; do sleep 1; done < /dev/null",
  resources: { limits: { memory: "64Mi" } },
};
const USED = { v1: "memory/memory.usage_in_bytes", v2: "memory.current" };

testWithPeapod("of several containers all are changed or none", async (t, host) => {
  // The second one cannot have less than it uses: version 1's kernel refuses, version 2's would kill.
  const pod = host.aPod({
    containers: [
      { name: "a", ...LIMITED },
      { name: "b", ...HUNGRY },
    ],
  });
  await host.must("run", "-d", pod.file);
  const read = reader(host, pod);
  await waitUntil("it has taken some", () => Number(read("b", USED)) > 3 * MIB, 20_000);
  const before = [undefined, "a", "b"].map((name) => read(name, MEMORY));
  const bad = await host.peapod("update", pod.name, "a", "b", "--memory", "1m");
  t.equal(bad.code, 125);
  t.match(bad.err, /container b: /);
  t.same(
    [undefined, "a", "b"].map((name) => read(name, MEMORY)),
    before,
  );
  const events = await host.must("events", pod.name, "--format", "json");
  t.notMatch(events, /updated/);
  t.notOk(existsSync(join(makePodPaths(host.root, pod.name as PodName).dir, "updating")));
});

testWithPeapod("a limit below what is in use kills nobody, also one of the pod's own", async (t, host) => {
  const pod = host.aPod({
    containers: [{ name: "a", ...HUNGRY, resources: {} }],
    spec: { resources: { limits: { memory: "64Mi" } } },
  });
  await host.must("run", "-d", pod.file);
  const read = reader(host, pod);
  await waitUntil("it has taken some", () => Number(read("a", USED)) > 3 * MIB, 20_000);
  const bad = await host.peapod("update", pod.name, "--memory", "1m");
  t.equal(bad.code, 125);
  t.match(
    bad.err,
    isV2 ? /pod pod1: \d+ bytes of memory are in use, more than a limit of 1048576/ : /more than that is in use/,
  );
  t.equal(read(undefined, MEMORY), String(64 * MIB));
  await host.must("update", pod.name, "a", "--memory", "32m");
  t.match((await host.shown(pod)).containers, [{ status: "running", restartCount: 0 }]);
});

testWithPeapod("a file says it as runc's does", async (t, host) => {
  const pod = host.aPod({ containers: [{ name: "a", ...LIMITED }] });
  await host.must("run", "-d", pod.file);
  const file = join(host.dir, "limits.json");
  writeFileSync(file, JSON.stringify({ cpu: { shares: 2048 }, memory: { limit: 48 * MIB }, pids: { limit: 33 } }));
  await host.must("update", pod.name, "a", "-r", file);
  t.equal(reader(host, pod)("a", PIDS), "33");
  t.equal(reader(host, pod)("a", MEMORY), String(48 * MIB));
  writeFileSync(file, JSON.stringify({ network: { classID: 3 } }));
  t.match(
    (await host.peapod("update", pod.name, "a", "-r", file)).err,
    /network is unknown or cannot be changed; allowed: cpu\.shares/,
  );
});

testWithPeapod(
  "what was changed before the start holds after it, and through a supervisor's death",
  async (t, host) => {
    const pod = host.aPod({ containers: [{ name: "a", ...LIMITED }] });
    await host.must("create", pod.file);
    await host.must("update", pod.name, "a", "--memory", "40m");
    await host.must("update", pod.name, "--pids-limit", "55");
    await host.must("start", pod.name);
    const read = reader(host, pod);
    t.same(
      [read("a", MEMORY), read(undefined, MEMORY), read(undefined, PIDS)],
      [String(40 * MIB), String(40 * MIB), "55"],
    );

    // As if a supervisor had been killed half way through an update.
    const { dir } = makePodPaths(host.root, pod.name as PodName);
    await waitUntil("the supervisor sleeps", () => existsSync(join(dir, "asleep")), 20_000);
    await host.must("update", pod.name, "a", "--pids-limit", "44");
    const [pid = ""] = readFileSync(join(dir, "supervisor.pid"), "utf8").split(" ");
    process.kill(Number(pid), "SIGKILL");
    writeFileSync(join(dir, "updating"), "");
    await host.must("update", pod.name, "a", "--cpu-shares", "64");
    t.same([read("a", MEMORY), read("a", PIDS), read(undefined, MEMORY)], [String(40 * MIB), "44", String(40 * MIB)]);
  },
);

testWithPeapod("what makes no sense is refused before anything is touched", async (t, host) => {
  const pod = host.aPod({
    containers: [
      { name: "a", ...LIMITED },
      { name: "b", run: "exit 0" },
    ],
  });
  await host.must("run", "-d", pod.file);
  const refused = async (...args: string[]) => (await host.peapod("update", pod.name, ...args)).err;
  t.match(await refused(), /nothing is to be changed/);
  t.match(await refused("nobody", "--memory", "1g"), /has no container nobody/);
  t.match(await refused("a", "--cpus", "1", "--cpu-quota", "5"), /--cpus: says what --cpu-quota/);
  t.match(await refused("a", "--memory-swap", "1m"), /container a: the limit on swap is memory and swap together/);
  t.match(await refused("a", "--memory-reservation", "1g"), /container a: the reservation must not be more/);
  await host.must("update", pod.name, "--memory", "128m", "--cpus", "4");
  t.match(await refused("a", "--memory", "129m"), /container a: its limit on memory must not be more than the pod's/);
  t.match(await refused("a", "--cpus", "5"), /container a: its limit on cpu must not be more than the pod's, 4 cores/);
  t.match(await refused("--memory", "8m"), /container a: .*must not be more than the pod's, 8388608 bytes/);
  t.match(await refused("a", "--memory", "much"), /option --memory: "much" is not a size/);
  await waitUntil("b has ended", async () => (await host.state(pod)).containers[1]?.status === "exited", 20_000);
  t.match(await refused("a", "b", "--memory", "1g"), /container b: is not running, it is exited/);
});
