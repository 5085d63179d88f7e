import t from "tap";
import { validate } from "../../../src/base/validate.ts";
import { makeConfig } from "../../../src/bundle/make-config.ts";
import { aPlan, containerOf } from "../../support/planning.ts";

t.test("all that can be limited is in config.json, as OCI names it", async (t) => {
  const plan = aPlan({
    annotations: {
      "peapod/pidsLimit.web": "100",
      "peapod/cpusetCpus.web": "0-1",
      "peapod/cpusetMems.web": "0",
      "peapod/blkioWeight.web": "200",
      "peapod/deviceReadBps.web": "8:0:1Mi",
      "peapod/deviceWriteIops.web": "8:16:30",
      "peapod/memoryOomGroup.web": "true",
    },
    containers: {
      web: { resources: { limits: { cpu: 2, memory: "64Mi", "hugepages-2Mi": "4Mi" }, requests: { memory: "32Mi" } } },
    },
  });
  const config = makeConfig(plan, containerOf(plan, "web"));
  const { devices: _, ...resources } = config.linux.resources;
  t.same(resources, {
    memory: { limit: 64 << 20, reservation: 32 << 20, swap: 64 << 20 },
    cpu: { shares: 2048, quota: 200_000, period: 100_000, cpus: "0-1", mems: "0" },
    pids: { limit: 100 },
    blockIO: {
      weight: 200,
      throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1 << 20 }],
      throttleWriteIOPSDevice: [{ major: 8, minor: 16, rate: 30 }],
    },
    hugepageLimits: [{ pageSize: "2MB", limit: 4 << 20 }],
    unified: { "memory.oom.group": "1" },
  });
  t.same(validate("oci-config", JSON.parse(JSON.stringify(config))), []);
  t.equal(config.process.oomScoreAdj, 997);
});
