import t from "tap";
import { parseMountTable } from "../../../src/host/mount-table.ts";
import {
  findCgroupMounts,
  layoutOf,
  parseCapabilities,
  parseSubordinateIds,
  readHostFacts,
} from "../../../src/host/read-facts.ts";

const V1_LINES = `31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,release_agent=/lib/agent,name=systemd
`;
const V2_LINE = "41 23 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

t.test("every controller has its mount point, also where two are mounted together", async (t) => {
  t.strictSame(findCgroupMounts(parseMountTable(V1_LINES + V2_LINE)), {
    cpu: "/sys/fs/cgroup/cpu,cpuacct",
    cpuacct: "/sys/fs/cgroup/cpu,cpuacct",
    "name=systemd": "/sys/fs/cgroup/systemd",
    unified: "/sys/fs/cgroup/unified",
  });
});

t.test("what is mounted elsewhere counts only where there is nothing at the usual place", async (t) => {
  const yard = "30 23 0:44 / /tmp/.criu.cgyard.x/pids rw - cgroup none rw,pids\n";
  t.strictSame(findCgroupMounts(parseMountTable(yard + V2_LINE)), { unified: "/sys/fs/cgroup/unified" });
  t.strictSame(findCgroupMounts(parseMountTable(yard)), { pids: "/tmp/.criu.cgyard.x/pids" });
});

t.test("the layout follows from what is mounted", async (t) => {
  const layout = (text: string) => layoutOf(findCgroupMounts(parseMountTable(text)));
  t.equal(layout(V1_LINES), "v1");
  t.equal(layout(V1_LINES + V2_LINE), "hybrid");
  t.equal(layout(V2_LINE), "v2");
});

t.test("capabilities are named by their bits", async (t) => {
  t.strictSame(parseCapabilities(0n), []);
  t.strictSame(parseCapabilities(0b101n), ["CHOWN", "DAC_READ_SEARCH"]);
  t.ok(parseCapabilities(1n << 21n).includes("SYS_ADMIN"));
  t.equal(parseCapabilities((1n << 41n) - 1n).length, 41);
});

t.test(
  "subordinate ids are those of the users peapod or containers, or root's, and only where they are enough",
  async (t) => {
    t.strictSame(parseSubordinateIds("root:100000:65536\ncontainers:200000:65536\n"), { first: 200000, count: 65536 });
    t.strictSame(parseSubordinateIds("someone:1:65536\ncontainers:200000:65536\n"), { first: 200000, count: 65536 });
    t.strictSame(parseSubordinateIds("containers:1:65536\npeapod:7:65537\n"), { first: 7, count: 65537 });
    t.strictSame(parseSubordinateIds("root:100000:65536\n"), { first: 100000, count: 65536 });
    t.equal(parseSubordinateIds("root:100000:1000\n"), undefined);
  },
);

t.test("the facts of this machine agree with what Node says of it", async (t) => {
  const facts = readHostFacts();
  t.equal(facts.arch, process.arch);
  t.equal(facts.isRoot, process.getuid?.() === 0);
  t.match(facts.kernel, /^\d+\.\d+/);
  t.equal(facts.hasTimeNamespaces, true, "every kernel since 5.6 has them");
});
