// What a manifest says of resources is what the kernel has, and the kernel holds it.

import { readFileSync } from "node:fs";
import { readOomKills } from "../../src/host/cgroups/oom-kills.ts";
import {
  CPU_STAT,
  CPUS,
  cgroupPathOf,
  facts,
  isV2,
  MEMORY,
  PIDS,
  PIDS_NOW,
  QUOTA,
  RESERVATION,
  readLimit,
  SHARES,
} from "../support/cgroup-files.ts";
import { DRIVER } from "../support/driver.ts";
import { testWithPeapod } from "../support/peapod-host.ts";
import { waitUntil } from "../support/wait-until.ts";

const MIB = 2 ** 20;
/** Takes memory until it is stopped. */
const HOG = "tail /dev/zero";

testWithPeapod("limits stand on the containers' cgroups, and added up on the pod's", async (t, host) => {
  const pod = host.aPod({
    annotations: { "peapod/pidsLimit.a": "50", "peapod/pidsLimit": "300", "peapod/cpusetCpus.b": "0" },
    containers: [
      { name: "a", resources: { limits: { cpu: "500m", memory: "32Mi" }, requests: { cpu: "250m", memory: "16Mi" } } },
      { name: "b", resources: { limits: { cpu: 1, memory: "64Mi" } } },
    ],
  });
  await host.must("run", "-d", pod.file);
  const read = (container: string | undefined, names: Parameters<typeof readLimit>[3]) =>
    readLimit(host.root, pod.name, container, names);
  t.same(
    [undefined, "a", "b"].map((name) => read(name, MEMORY)),
    [96 * MIB, 32 * MIB, 64 * MIB].map(String),
  );
  t.same(
    [undefined, "a", "b"].map((name) => read(name, QUOTA)),
    ["150000", "50000", "100000"],
  );
  t.same(
    [undefined, "a", "b"].map((name) => read(name, SHARES)),
    isV2 ? ["49", "10", "39"] : ["1280", "256", "1024"],
  );
  t.same(
    [undefined, "a", "b"].map((name) => read(name, RESERVATION)),
    [80 * MIB, 16 * MIB, 64 * MIB].map(String),
  );
  t.same(
    [undefined, "a", "b"].map((name) => read(name, PIDS)),
    ["300", "50", "2048"],
  );
  t.equal(read("b", CPUS), "0");
});

testWithPeapod("a pod in which one container has no limit has none on its cgroup", async (t, host) => {
  const pod = host.aPod({
    containers: [{ name: "a", resources: { limits: { cpu: 1, memory: "32Mi" } } }, { name: "b" }],
  });
  await host.must("run", "-d", pod.file);
  t.equal(readLimit(host.root, pod.name, undefined, QUOTA), "-1");
  t.equal(readLimit(host.root, pod.name, "a", MEMORY), String(32 * MIB));
  if (isV2) t.equal(readLimit(host.root, pod.name, undefined, MEMORY), "max");
  else t.ok(Number(readLimit(host.root, pod.name, undefined, MEMORY)) > 2 ** 60);
  t.equal(readLimit(host.root, pod.name, "b", SHARES), isV2 ? "1" : "2", "who requests nothing comes last");
});

testWithPeapod("a pod's own limits bind all its containers together", async (t, host) => {
  const pod = host.aPod({
    // Room for two of the runtime's own processes, which version 2 counts with the copy of their program.
    spec: { resources: { limits: { memory: "64Mi", cpu: "200m" } } },
    // Its neighbour must be there first: to make one takes memory, too.
    containers: [{ name: "hog", run: `until test -e /tmp/go; do usleep 10000; done; exec ${HOG}` }, { name: "calm" }],
  });
  await host.must("run", "-d", pod.file);
  await host.touch(pod.name, "/tmp/go", "hog");
  t.equal(readLimit(host.root, pod.name, undefined, MEMORY), String(64 * MIB));
  t.equal(readLimit(host.root, pod.name, undefined, QUOTA), "20000");
  await waitUntil("the hog was killed", async () => (await exitOf(host, pod.name, "hog"))?.signal === 9, 20_000);
  t.equal(await exitOf(host, pod.name, "calm"), null, "its neighbour lives");
});

testWithPeapod("who takes more memory than his limit is killed, and the kernel's count is read", async (t, host) => {
  const pod = host.aPod({
    containers: [{ name: "hog", run: HOG, resources: { limits: { memory: "16Mi" } } }, { name: "calm" }],
  });
  await host.must("run", "-d", pod.file);
  await waitUntil("the hog was killed", async () => (await exitOf(host, pod.name, "hog"))?.signal === 9, 20_000);
  const kills = (container?: string) => readOomKills(cgroupPathOf(host.root, pod.name, container), facts);
  // systemd takes a scope's cgroup away with its last process.
  if (DRIVER === "cgroupfs") t.ok((kills("hog") ?? 0) >= 1);
  t.equal(kills("calm"), 0);
  t.ok((kills() ?? 0) >= 1, "and below the pod");
  t.equal(kills("nobody"), undefined);
});

testWithPeapod("forks are bounded", async (t, host) => {
  const bomb = "( for i in $(seq 300); do sleep 1000 & done ) 2>/dev/null; exec sleep 1000";
  const pod = host.aPod({ annotations: { "peapod/pidsLimit.bomb": "20" }, containers: [{ name: "bomb", run: bomb }] });
  await host.must("run", "-d", pod.file);
  const now = () => Number(readLimit(host.root, pod.name, "bomb", PIDS_NOW));
  const refused = () =>
    Number(
      /max (\d+)/.exec(readLimit(host.root, pod.name, "bomb", { v1: "pids/pids.events", v2: "pids.events" }))?.[1],
    );
  await waitUntil("a fork was refused", () => refused() > 0, 20_000);
  t.ok(now() <= 20, `${now()} processes`);
});

testWithPeapod("a quota holds back who wants more", async (t, host) => {
  const pod = host.aPod({
    containers: [{ name: "busy", run: "while :; do :; done", resources: { limits: { cpu: "100m" } } }],
  });
  await host.must("run", "-d", pod.file);
  const throttled = () => Number(/nr_throttled (\d+)/.exec(readLimit(host.root, pod.name, "busy", CPU_STAT))?.[1]);
  await waitUntil("it was throttled", () => throttled() > 3, 20_000);
  const [stats] = (await host.must("stats", "--no-stream", "--format", "json", pod.name)).trim().split("\n");
  const { cpuPercent, containers } = JSON.parse(stats ?? "");
  t.ok(cpuPercent < 40, `${cpuPercent}% of a tenth`);
  t.ok(containers[0].throttledSeconds > 0);
});

testWithPeapod("who goes first when memory is short follows from the QoS class", async (t, host) => {
  const scoreOf = async (resources: object) => {
    const pod = host.aPod({ containers: [{ name: "c", resources }] });
    await host.must("run", "-d", pod.file);
    const { containers } = await host.state(pod);
    const { resources: known } = JSON.parse(await host.must("inspect", pod.name));
    return [known.qosClass, Number(readFileSync(`/proc/${containers[0]?.pid}/oom_score_adj`, "utf8"))];
  };
  t.same(await scoreOf({}), ["BestEffort", 1000]);
  const half = Math.floor((facts.memoryBytes ?? 0) / 2);
  const [burstable, score] = await scoreOf({ requests: { memory: String(half) } });
  t.equal(burstable, "Burstable");
  t.ok(Math.abs(Number(score) - 500) <= 1, `${score}`);
  const guaranteed = await scoreOf({ limits: { memory: "64Mi", cpu: 1 } });
  const reachable = facts.capabilities.includes("SYS_RESOURCE") ? -997 : (facts.oomScoreAdj ?? 0);
  t.same(guaranteed, ["Guaranteed", reachable]);
});

testWithPeapod(
  "memory.oom.group is refused by name on version 1",
  async (t, host) => {
    const pod = host.aPod({ annotations: { "peapod/memoryOomGroup.c1": "true" }, containers: 1 });
    const { code, err } = await host.peapod("run", "-d", pod.file);
    t.equal(code, 125);
    t.match(err, /annotation peapod\/memoryOomGroup\.c1: cgroup version 1 kills one process at a time \(.*pod.*:\d+ /);
  },
  { skip: isV2 && "this machine has version 2" },
);

async function exitOf(
  host: Parameters<Parameters<typeof testWithPeapod>[1]>[1],
  pod: string,
  container: string,
): Promise<{ kind: string; signal?: number } | null> {
  const state = await host.json<{ containers: { name: string; exit: null | { kind: string; signal?: number } }[] }>(
    "state",
    pod,
  );
  return state.containers.find(({ name }) => name === container)?.exit ?? null;
}
