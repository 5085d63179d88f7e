import { mkdirSync, writeFileSync } from "node:fs";
import t from "tap";
import { readCgroupUsage } from "../../../../src/host/cgroups/cgroup-usage.ts";
import { readOomKills } from "../../../../src/host/cgroups/oom-kills.ts";

function files(dir: string, all: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(`${dir}/${path.slice(0, path.lastIndexOf("/"))}`, { recursive: true });
    writeFileSync(`${dir}/${path}`, text);
  }
}

t.test("version 2's files", async (t) => {
  const dir = t.testdir();
  files(dir, {
    "pod/web/cpu.stat": "usage_usec 2500000\nuser_usec 1\nnr_throttled 3\nthrottled_usec 700\n",
    "pod/web/memory.current": "1000000\n",
    "pod/web/memory.stat": "anon 5\ninactive_file 400000\n",
    "pod/web/memory.max": "max\n",
    "pod/web/io.stat": "8:0 rbytes=100 wbytes=20 rios=1 wios=1 dbytes=0 dios=0\n8:16 rbytes=1 wbytes=2 rios=1 wios=1\n",
    "pod/web/pids.current": "4\n",
    "pod/web/pids.max": "2048\n",
    "pod/web/cpu.pressure":
      "some avg10=1.50 avg60=0.00 avg300=0.00 total=5\nfull avg10=0.10 avg60=0.00 avg300=0.00 total=5\n",
    "pod/web/memory.pressure": "some avg10=0.00 avg60=0.00 avg300=0.00 total=5\n",
    "pod/web/io.pressure": "some avg10=33.10 avg60=0.00 avg300=0.00 total=5\n",
    "pod/web/memory.events": "low 0\nhigh 0\nmax 9\noom 2\noom_kill 2\noom_group_kill 0\n",
  });
  const facts = { cgroupLayout: "v2", cgroupMounts: { unified: dir } } as const;
  t.same(readCgroupUsage("/pod/web", facts), {
    cpuMicros: 2_500_000,
    throttledMicros: 700,
    memoryBytes: 600_000,
    memoryLimitBytes: undefined,
    readBytes: 101,
    writtenBytes: 22,
    pids: 4,
    pidsLimit: 2048,
    pressure: { cpu: 1.5, memory: 0, io: 33.1 },
  });
  t.equal(readCgroupUsage("/pod/gone", facts), undefined);
  t.equal(readOomKills("/pod/web", facts), 2);
  t.equal(readOomKills("/pod/gone", facts), undefined);
});

t.test("version 1's files", async (t) => {
  const dir = t.testdir();
  files(dir, {
    "cpuacct/web/cpuacct.usage": "2500000000\n",
    "cpu/web/cpu.stat": "nr_periods 1\nnr_throttled 1\nthrottled_time 9000\n",
    "memory/web/memory.usage_in_bytes": "1000\n",
    "memory/web/memory.stat": "cache 1\ntotal_inactive_file 100\nhierarchical_memory_limit 9223372036854771712\n",
    "memory/web/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
    "memory/web/inner/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
    "pids/web/pids.current": "4\n",
    "pids/web/pids.max": "max\n",
    "blkio/web/blkio.throttle.io_service_bytes_recursive":
      "8:0 Read 10\n8:0 Write 20\n8:0 Total 30\n8:16 Read 1\nTotal 31\n",
  });
  const mounts = Object.fromEntries(
    ["cpuacct", "cpu", "memory", "pids", "blkio"].map((name) => [name, `${dir}/${name}`]),
  );
  const facts = { cgroupLayout: "v1", cgroupMounts: mounts } as const;
  t.match(readCgroupUsage("/web", facts), {
    cpuMicros: 2_500_000,
    throttledMicros: 9,
    memoryBytes: 900,
    memoryLimitBytes: undefined,
    readBytes: 11,
    writtenBytes: 20,
    pids: 4,
    pidsLimit: undefined,
    pressure: undefined,
  });
  t.equal(readOomKills("/web", facts), 3, "with those of cgroups that the container made");
  t.equal(readOomKills("/web", { cgroupLayout: "v1", cgroupMounts: {} }), undefined);
});
