import t from "tap";
import type { PlannedResources } from "../../../src/plan/plan.ts";
import { makePodLimits } from "../../../src/plan/pod-resources.ts";
import { aPlan, containerOf, type PodWords } from "../../support/planning.ts";

const GIB = 2 ** 30;

function podOf(words: PodWords) {
  return aPlan(words).sandbox.resources;
}

function member(resources: Partial<PlannedResources>, role = "main") {
  const none = { cpuShares: undefined, cpuQuotaUs: undefined, cpuPeriodUs: undefined, memoryLimitBytes: undefined };
  return { role, resources: { ...none, ...resources } };
}

t.test("the pod has the sum of its containers' limits where each of them has one", async (t) => {
  const a = { resources: { limits: { cpu: "500m", memory: "1Gi" }, requests: { cpu: "250m", memory: "512Mi" } } };
  const b = { resources: { limits: { cpu: 1, memory: "1Gi" } } };
  t.match(podOf({ containers: { a, b } })?.limits, {
    cpuShares: 1280,
    cpuQuotaUs: 150_000,
    cpuPeriodUs: 100_000,
    memoryLimitBytes: 2 * GIB,
    memorySwapBytes: 2 * GIB,
    memoryReservationBytes: 1.5 * GIB,
  });
  const limits = podOf({ containers: { a, b, c: {} } })?.limits;
  t.match(limits, { cpuShares: 1280, memoryReservationBytes: 1.5 * GIB });
  t.same([limits?.cpuQuotaUs, limits?.memoryLimitBytes, limits?.memorySwapBytes], [undefined, undefined, undefined]);
  t.same(podOf({ containers: { a: {} } })?.limits, { cpuShares: 2 }, "best effort has the least weight");
});

t.test("what the manifest says of the pod itself comes before the sum", async (t) => {
  const limits = podOf({
    spec: { resources: { limits: { memory: "8Gi", cpu: 4 } } },
    annotations: { "peapod/pidsLimit": "900", "peapod/memorySwap": "unlimited" },
    containers: { a: { resources: { limits: { memory: "1Gi" } } } },
  })?.limits;
  t.match(limits, {
    cpuShares: 4096,
    cpuQuotaUs: 400_000,
    memoryLimitBytes: 8 * GIB,
    memorySwapBytes: -1,
    memoryReservationBytes: GIB,
    pidsLimit: 900,
  });
});

t.test("an init container counts beside the sidecars before it, where that is more", async (t) => {
  const sum = (...members: ReturnType<typeof member>[]) => makePodLimits({}, members).memoryLimitBytes;
  const one = { memoryLimitBytes: 100 };
  const three = { memoryLimitBytes: 300 };
  t.equal(sum(member(one), member(one)), 200);
  t.equal(sum(member(three, "init"), member(one), member(one)), 300);
  t.equal(sum(member(one, "sidecar"), member(three, "init"), member(one)), 400);
  t.equal(sum(member(three, "init"), member(one, "sidecar"), member(one)), 300);
  t.equal(sum(member({}, "init"), member(one)), undefined, "one without a limit");
  t.equal(sum(member({}, "pause"), member(one)), 100, "the first process of a shared pid namespace does not count");
  t.equal(sum(member({ memoryLimitBytes: -1 }), member(one)), undefined, "-1 is none");
});

t.test("beside a container that requests processor time, one that does not comes last", async (t) => {
  const plan = aPlan({ containers: { a: { resources: { requests: { cpu: "100m" } } }, b: {} } });
  t.equal(containerOf(plan, "b").resources.cpuShares, 2);
  t.match(containerOf(plan, "b").reasons["resources.cpuShares"], { source: "default" });
});

t.test("huge pages: who asks for none beside one that does, has none", async (t) => {
  const plan = aPlan({ containers: { a: { resources: { limits: { cpu: 1, "hugepages-2Mi": "4Mi" } } }, b: {} } });
  t.same(containerOf(plan, "a").resources.hugepages, [{ pageSize: "2MB", limitBytes: 4 << 20 }]);
  t.same(containerOf(plan, "b").resources.hugepages, [{ pageSize: "2MB", limitBytes: 0 }]);
  t.same(plan.sandbox.resources?.limits.hugepages, [{ pageSize: "2MB", limitBytes: 4 << 20 }]);
  t.throws(
    () =>
      aPlan(
        { containers: { a: { resources: { limits: { cpu: 1, "hugepages-2Mi": "4Mi" } } } } },
        { facts: { cgroupLayout: "hybrid", cgroupMounts: { memory: "/m" } } },
      ),
    { code: "HOST_LACKS", message: /hugepages-2Mi: no hugetlb cgroup is mounted here \(pod.yaml:\d+ / },
  );
});
