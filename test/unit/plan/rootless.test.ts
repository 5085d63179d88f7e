import t from "tap";
import { makeConfig } from "../../../src/bundle/make-config.ts";
import type { UserFacts } from "../../../src/host/facts.ts";
import { aPlan, containerOf, type PodWords, refusalOf } from "../../support/planning.ts";

const USER: UserFacts = { uid: 1000, uids: 65_537, gids: 65_537 };
/** Hybrid, as one whom nothing was handed down has it. */
const NO_CGROUP = { user: USER, cgroupLayout: "hybrid", cgroupMounts: {} } as const;
const DELEGATED = {
  user: { ...USER, cgroup: "/user.slice/run-1.scope" },
  cgroupLayout: "v2",
  cgroupMounts: { unified: "/sys/fs/cgroup" },
} as const;

t.test("without a cgroup none is made, named or limited", async (t) => {
  const plan = aPlan(
    { containers: { web: { resources: { requests: { cpu: 1, memory: "1Gi" } } } } },
    { facts: NO_CGROUP },
  );
  const web = containerOf(plan, "web");
  t.equal(plan.sandbox.cgroup.driver, "none");
  t.equal(plan.isUsers, true);
  const { linux } = makeConfig(plan, web);
  t.notOk("cgroupsPath" in linux);
  t.same(Object.keys(linux.resources), ["devices"]);
});

t.test("where one was handed down the pod's lies below it, with its limits", async (t) => {
  const plan = aPlan(
    { containers: { web: { resources: { limits: { memory: "64Mi" } } } } },
    { facts: DELEGATED, root: "/run/user/1000/peapod" },
  );
  t.equal(plan.sandbox.cgroup.driver, "cgroupfs");
  t.match(plan.sandbox.cgroup.path, /^\/user\.slice\/run-1\.scope\/peapod-[0-9a-f]{8}\/shop$/);
  t.equal(containerOf(plan, "web").resources.memoryLimitBytes, 64 * 2 ** 20);
});

t.test("overlays of users keep their marks where users may write them", async (t) => {
  const options = (facts: object) =>
    aPlan({}, { facts })
      .stages.flat()
      .flatMap((step) => (step.do === "mount" ? step.mounts : []))
      .find(({ type }) => type === "overlay")?.options;
  t.ok(options(NO_CGROUP)?.includes("userxattr"));
  t.notOk(options({})?.includes("userxattr"));
});

t.test("what shows the host's namespaces is bound, since a user may not mount it", async (t) => {
  const plan = aPlan({ spec: { hostNetwork: true, hostPID: true, hostIPC: true } }, { facts: NO_CGROUP });
  const { mounts } = makeConfig(plan, containerOf(plan, "web"));
  const at = (path: string) => mounts.find(({ destination }) => destination === path);
  t.equal(at("/proc")?.type, "bind");
  t.equal(at("/sys")?.type, "bind");
  t.equal(at("/dev/mqueue"), undefined);
});

t.test("nobody's score with the out-of-memory killer is lowered", async (t) => {
  const facts = { ...DELEGATED, capabilities: ["SYS_RESOURCE"] };
  const limits = { cpu: 1, memory: "1Gi" };
  const plan = aPlan({ containers: { web: { resources: { limits } } } }, { facts });
  t.equal(containerOf(plan, "web").resources.oomScoreAdj, undefined);
});

t.test("who asks for the pod's address is configured once the uplink has given it", async (t) => {
  const user = { ...USER, hasTun: true, uplinks: { pasta: "/usr/bin/pasta" } };
  const steps = (env: object[]) =>
    aPlan({ containers: { web: { env } } }, { facts: { ...NO_CGROUP, user } }).stages.map((stage) =>
      stage.flatMap((step) => (["open-uplink", "write-bundles"].includes(step.do) ? [step.do] : [])).join(),
    );
  const ip = { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } };
  t.same(steps([ip]).slice(0, 3), ["", "open-uplink", "write-bundles"]);
  t.same(steps([]).slice(0, 2), ["write-bundles", "open-uplink"], "nobody else waits for it");
});

t.test("what a user's pod cannot have is refused by name and line", async (t) => {
  const cases: [PodWords, RegExp][] = [
    [
      { containers: { web: { resources: { limits: { cpu: 1 } } } } },
      /HOST_LACKS.*container web: cannot be limited, .*:\d+ spec\.containers\[0\]\.resources\.limits/,
    ],
    [{ spec: { resources: { limits: { memory: "1Gi" } } } }, /HOST_LACKS.*pod: cannot be limited/],
    [{ annotations: { "peapod/cpusetCpus": "0" } }, /HOST_LACKS.*annotation peapod\/cpusetCpus: cannot be limited/],
    [{ spec: { hostUsers: false } }, /NOT_SUPPORTED.*container web: is in your user namespace already/],
    [{ annotations: { "peapod/share": "+user" } }, /NOT_SUPPORTED.*container web: is in your user namespace already/],
    [{ spec: { volumes: [{ name: "v", emptyDir: { sizeLimit: "1Mi" } }] } }, /NOT_SUPPORTED.*volume v: a size on disk/],
    [
      { spec: { volumes: [{ name: "v", emptyDir: { medium: "HugePages" } }] } },
      /NOT_SUPPORTED.*volume v: only root may mount huge pages/,
    ],
    [
      { spec: { securityContext: { runAsUser: 65_537 } } },
      /BAD_MANIFEST.*container web: id 65537 is not among yours, which are 65537 from 0 on .*runAsUser/,
    ],
    [
      { spec: { securityContext: { supplementalGroups: [99_999] } } },
      /BAD_MANIFEST.*container web: id 99999 is not among yours/,
    ],
  ];
  for (const [words, refusal] of cases)
    t.match(refusalOf(words, { facts: { ...NO_CGROUP, hugePages: ["2048kB"] } }), refusal);
  t.match(refusalOf({}, { facts: DELEGATED, driver: "systemd" }), /NOT_SUPPORTED.*cgroup driver systemd/);
  t.doesNotThrow(() => aPlan({ spec: { securityContext: { runAsUser: 65_536 } } }, { facts: NO_CGROUP }));
});
