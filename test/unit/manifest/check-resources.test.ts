import t from "tap";
import { PeapodError } from "../../../src/base/errors.ts";
import type { Fault, Manifest } from "../../../src/manifest/manifest.ts";
import { aManifest, type PodWords } from "../../support/planning.ts";

/** `path: message` of each fault. */
function faultsOf(words: PodWords): string[] {
  try {
    aManifest(words);
    return [];
  } catch (error) {
    if (error instanceof PeapodError)
      return (error.detail as Fault[]).map(({ path, message }) => `${path}: ${message}`);
    throw error;
  }
}

function resourcesOf(resources: object): Manifest["spec"]["containers"][number]["resources"] | undefined {
  return aManifest({ containers: { web: { resources } } }).spec.containers[0]?.resources;
}

t.test("a request that is not written is the limit", async (t) => {
  t.match(resourcesOf({ limits: { cpu: 1, memory: "1Gi" } }), { cpuRequestMilli: 1000, memoryRequestBytes: 2 ** 30 });
  t.match(resourcesOf({ requests: { memory: "1Gi" } }), { memoryRequestBytes: 2 ** 30, memoryLimitBytes: undefined });
  t.match(resourcesOf({ limits: { memory: "1Gi", "hugepages-2Mi": "4Mi" } }), { hugepages: { "2Mi": 4 * 2 ** 20 } });
});

t.test("a request of nothing is one, where a limit would stand for it", async (t) => {
  t.match(resourcesOf({ limits: { cpu: 1, memory: "1Gi" }, requests: { cpu: "0", memory: 0 } }), {
    cpuRequestMilli: 0,
    memoryRequestBytes: 0,
  });
});

t.test("an init container requests beside nobody, but for the sidecars before it", async (t) => {
  const asks = (memory: string, more: object = {}) => ({ resources: { requests: { memory } }, ...more });
  const early = (...members: object[]) =>
    members.map((one, index) => ({ name: `i${index}`, image: "rootfs:./rootfs", command: ["true"], ...one }));
  const withInit = (limit: string, ...init: object[]): PodWords => ({
    spec: { resources: { limits: { memory: limit } }, initContainers: early(...init) },
    containers: { web: asks("100Mi") },
  });
  const sidecar = asks("60Mi", { restartPolicy: "Always" });
  t.same(faultsOf(withInit("150Mi", asks("150Mi"))), []);
  t.equal(aManifest(withInit("200Mi", asks("150Mi"))).spec.resources?.memoryRequestBytes, 150 * 2 ** 20);
  t.same(faultsOf(withInit("160Mi", asks("150Mi"), sidecar)), []);
  t.match(faultsOf(withInit("200Mi", sidecar, asks("150Mi"))).join(), /must not be less than its containers' requests/);
});

t.test("each of Kubernetes' rules is told at its place", async (t) => {
  const of = (resources: object) => faultsOf({ containers: { web: { resources } } }).join("; ");
  const at = "spec.containers[0].resources";
  for (const [resources, fault] of [
    [
      { limits: { memory: "1Mi" }, requests: { memory: "2Mi" } },
      `${at}.requests.memory: must not be more than the limit, 1Mi`,
    ],
    [{ limits: { cpu: 1 }, requests: { cpu: "1001m" } }, `${at}.requests.cpu: must not be more than the limit, 1`],
    [
      { limits: { "hugepages-2Mi": "4Mi" } },
      `${at}.limits.hugepages-2Mi: must stand beside an amount of cpu or memory`,
    ],
    [
      { limits: { cpu: 1, "hugepages-2Mi": "3Mi" } },
      `${at}.limits.hugepages-2Mi: must be whole pages: a multiple of 2Mi`,
    ],
    [
      { limits: { cpu: 1, "hugepages-1Gi": "2Gi" }, requests: { "hugepages-1Gi": "1Gi" } },
      `${at}.requests.hugepages-1Gi: must be the same as the limit: huge pages cannot be shared out twice`,
    ],
    [
      { limits: { "hugepages-64Ki": "1Gi" } },
      `${at}.limits.hugepages-64Ki: not supported yet: pages come in two sizes, hugepages-2Mi and hugepages-1Gi`,
    ],
    [
      { limits: { "ephemeral-storage": "1Gi" } },
      `${at}.limits.ephemeral-storage: not supported yet: the disk has no limit for one container; give an emptyDir a sizeLimit`,
    ],
    [
      { limits: { memory: "lots" } },
      `${at}.limits.memory: must be a quantity: a number and one of m, k, M, G, T, P, E, Ki, Mi, Gi, Ti, Pi, Ei, or no suffix`,
    ],
  ] as const) {
    t.equal(of(resources), fault);
  }
});

t.test("a pod's own amounts bound its containers'", async (t) => {
  const containers = {
    a: { resources: { limits: { memory: "2Gi" }, requests: { memory: "1Gi", cpu: 1 } } },
    b: { resources: { requests: { memory: "1Gi", cpu: 1 } } },
  };
  const of = (resources: object) => faultsOf({ spec: { resources }, containers });
  t.same(of({ limits: { memory: "4Gi", cpu: 3 }, requests: { memory: "2Gi" } }), []);
  t.same(of({ limits: { memory: "2Gi" } }), []);
  t.same(of({ limits: { memory: "1Gi" } }), [
    "spec.resources.limits.memory: must not be less than its containers' requests together",
    "spec.containers[0].resources.limits.memory: must not be more than the pod's limit in spec.resources",
  ]);
  t.same(of({ requests: { cpu: "1999m" } }), [
    "spec.resources.requests.cpu: must not be less than its containers' requests together",
  ]);
});

t.test("a pod's request that is not written is its containers', or its limit", async (t) => {
  const own = (resources: object, web: object) =>
    aManifest({ spec: { resources }, containers: { web: { resources: web } } }).spec.resources;
  t.match(own({ limits: { memory: "4Gi" } }, { requests: { memory: "1Gi" } }), { memoryRequestBytes: 2 ** 30 });
  t.match(own({ limits: { memory: "4Gi" } }, {}), { memoryRequestBytes: 4 * 2 ** 30 });
});
