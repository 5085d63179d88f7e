import t from "tap";
import { parseOciResources } from "../../../../src/doors/cli/parse-oci-resources.ts";

t.test("runc's file is understood, and 0 leaves things as they are", async (t) => {
  const text = JSON.stringify({
    memory: { limit: 100, reservation: 0, swap: -1 },
    cpu: { shares: 2, quota: 3000, period: 5000, cpus: "0-1", mems: "" },
    blockIO: { weight: 10 },
    pids: { limit: -1 },
    unified: { "memory.oom.group": "1" },
  });
  t.same(parseOciResources("r.json", text), {
    memoryLimitBytes: 100,
    memorySwapBytes: -1,
    cpuShares: 2,
    cpuQuotaUs: 3000,
    cpuPeriodUs: 5000,
    cpusetCpus: "0-1",
    blkioWeight: 10,
    pidsLimit: -1,
    oomGroup: true,
  });
});

t.test("what would not be done is refused", async (t) => {
  const table: [string, RegExp][] = [
    ["{", /^resources r\.json: is not JSON$/],
    ["[]", /the whole must be an object/],
    ['{"memory":3}', /memory must be an object/],
    ['{"memory":{"kernel":3}}', /memory\.kernel is unknown or cannot be changed; allowed: cpu\.shares, /],
    ['{"foo":1}', /json: foo is unknown or cannot be changed; allowed: cpu\.shares, /],
    ['{"cpu":{"shares":"3"}}', /cpu\.shares must be a number/],
  ];
  for (const [text, message] of table)
    t.throws(() => parseOciResources("r.json", text), { code: "BAD_USAGE", message });
});
