import t from "tap";
import { aPlan, containerOf, refusalOf } from "../../support/planning.ts";

const SDA = { path: "/dev/sda", type: "b", major: 8, minor: 0, fileMode: 0o660, uid: 0, gid: 6 } as const;
const NULL = { path: "/dev/null", type: "c", major: 1, minor: 3, fileMode: 0o666, uid: 0, gid: 0 } as const;
const FACTS = { devices: [SDA, NULL] };

function limitsOf(annotations: Record<string, string>) {
  const plan = aPlan(
    { annotations, containers: { web: { resources: { limits: { memory: "64Mi" } } } } },
    { facts: FACTS },
  );
  return containerOf(plan, "web").resources;
}

t.test("each says what it means", async (t) => {
  t.match(limitsOf({ "peapod/pidsLimit.web": "100" }), { pidsLimit: 100 });
  t.match(limitsOf({ "peapod/pidsLimit.web": "unlimited" }), { pidsLimit: -1 });
  t.match(limitsOf({}), { pidsLimit: 2048, memorySwapBytes: 64 << 20 });
  t.match(limitsOf({ "peapod/cpusetCpus.web": "0-2,5", "peapod/cpusetMems.web": "0" }), {
    cpusetCpus: "0-2,5",
    cpusetMems: "0",
  });
  t.match(limitsOf({ "peapod/memorySwap.web": "128Mi" }), { memorySwapBytes: 128 << 20 });
  t.match(limitsOf({ "peapod/memoryOomGroup.web": "true" }), { oomGroup: true });
  t.match(limitsOf({ "peapod/blkioWeight.web": "500" }), { blkioWeight: 500 });
  t.match(limitsOf({ "peapod/deviceReadBps.web": "/dev/sda:1Mi, 253:1:2k", "peapod/deviceWriteIops.web": "8:0:50" }), {
    blkioDevices: [
      { kind: "readBps", major: 8, minor: 0, rate: 1 << 20 },
      { kind: "readBps", major: 253, minor: 1, rate: 2000 },
      { kind: "writeIops", major: 8, minor: 0, rate: 50 },
    ],
  });
});

t.test("what is wrong is told with its line", async (t) => {
  const refusal = (annotation: string, text: string, facts = {}) =>
    refusalOf({ annotations: { [annotation]: text } }, { facts: { ...FACTS, ...facts } });
  t.match(
    refusal("peapod/pidsLimit.web", "0"),
    /^BAD_MANIFEST annotation peapod\/pidsLimit\.web: 0 is not a whole number from 1 to \d+ \(pod\.yaml:\d+ /,
  );
  t.match(refusal("peapod/cpusetCpus", "first"), /BAD_MANIFEST.*first is not a list such as 0-2,5/);
  t.match(refusal("peapod/memorySwap.web", "1Gi"), /BAD_MANIFEST.*needs a limit on memory beside it/);
  t.match(refusal("peapod/memoryOomGroup", "maybe"), /BAD_MANIFEST.*maybe is neither true nor false/);
  t.match(
    refusal("peapod/memoryOomGroup", "true", { cgroupLayout: "hybrid", cgroupMounts: { pids: "/p" } }),
    /HOST_LACKS.*cgroup version 1 kills one process at a time/,
  );
  t.match(refusal("peapod/blkioWeight", "5"), /from 10 to 1000/);
  t.match(refusal("peapod/deviceReadBps", "/dev/null:1Mi"), /\/dev\/null is no block device of this machine/);
  t.match(refusal("peapod/deviceReadBps", "/dev/sda"), /\/dev\/sda is not DEVICE:RATE/);
  t.match(refusal("peapod/memorySwap", "1Gi", { limitsSwap: false }), /HOST_LACKS.*does not bound swap/);
});

t.test("without a controller for it there is no limit that nobody asked for", async (t) => {
  const facts = { cgroupLayout: "hybrid", cgroupMounts: { memory: "/m" }, limitsSwap: false } as const;
  const plan = aPlan({ containers: { web: { resources: { limits: { memory: "64Mi" } } } } }, { facts });
  const { pidsLimit, memorySwapBytes } = containerOf(plan, "web").resources;
  t.same([pidsLimit, memorySwapBytes], [undefined, undefined]);
});
