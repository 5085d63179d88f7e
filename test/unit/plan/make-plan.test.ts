import fc from "fast-check";
import t from "tap";
import type { ClimbStep, Plan } from "../../../src/plan/plan.ts";
import { NAMESPACE_KINDS } from "../../../src/plan/plan.ts";
import { makeRunStages } from "../../../src/plan/stages.ts";
import { aPlan, containerOf, type PodWords, refusalOf } from "../../support/planning.ts";

function words(stage: readonly ClimbStep[]): string {
  return stage
    .map((step) =>
      "container" in step ? `${step.do} ${step.container}` : "owner" in step ? `${step.do} ${step.owner}` : step.do,
    )
    .join(", ");
}

t.test("what does not wait for another stands in one stage with it", (t) => {
  t.strictSame(
    aPlan({ containers: ["web", "db"], spec: { volumes: [{ name: "v", emptyDir: {} }] } }).stages.map(words),
    [
      "pin-namespaces pod, mount, make-cgroup, make-files, make-volumes, write-bundles, open-io web, open-io db",
      "create-container web, create-container db",
      "start-container web, start-container db",
    ],
  );
  t.end();
});

t.test("what is to run at once is created and started in one step", (t) => {
  const { stages } = aPlan({ containers: ["web", "db"] });
  t.strictSame(makeRunStages(stages).slice(1).map(words), ["run-container web, run-container db"]);
  t.end();
});

t.test("nobody runs before somebody who joins its namespaces is there", (t) => {
  const { stages } = aPlan({ containers: ["web", "db"], annotations: { "peapod/share": "+pid" } });
  t.equal(makeRunStages(stages), stages);
  t.end();
});

t.test("who joins a namespace of a container's first process is created after it was pinned", (t) => {
  const annotations = {
    "peapod/share": "+pid",
    "peapod/namespaces.backup": "cgroup=container:db",
    "peapod/namespaces.alone": "pid=private",
  };
  const plan = aPlan({ containers: ["backup", "db", "alone"], annotations });
  t.strictSame(plan.stages.slice(1).map(words), [
    "create-container _pause, create-container alone",
    "pin-from-container _pause",
    "create-container db",
    "pin-from-container db",
    "create-container backup",
    "start-container _pause, start-container backup, start-container db, start-container alone",
  ]);
  t.end();
});

t.test("the same input is the same plan", (t) => {
  t.strictSame(
    JSON.stringify(aPlan({ containers: ["web", "db"] })),
    JSON.stringify(aPlan({ containers: ["web", "db"] })),
  );
  t.end();
});

t.test("cgroups: the pod above, each container a leaf below", (t) => {
  t.equal(containerOf(aPlan(), "web").cgroupPath, "/peapod/shop/web");
  const own = aPlan({}, { root: "/tmp/x" });
  t.match(own.sandbox.cgroup.base, /^\/peapod-[0-9a-f]{8}$/);
  const systemd = aPlan({ name: "a-b.c" }, { driver: "systemd" });
  t.strictSame(systemd.sandbox.cgroup, {
    driver: "systemd",
    path: "/peapod.slice/peapod-a_b.c.slice",
    base: "/peapod.slice",
  });
  t.equal(containerOf(systemd, "web").cgroupPath, "/peapod.slice/peapod-a_b.c.slice/peapod-a_b.c-web.scope");
  t.end();
});

t.test("a privileged container has the host's devices, no filter, and no user namespace", (t) => {
  const device = { path: "/dev/fuse", type: "c", major: 10, minor: 229, fileMode: 0o666, uid: 0, gid: 0 } as const;
  const containers = { web: { securityContext: { privileged: true } }, db: {} };
  const plan = aPlan({ containers }, { facts: { devices: [device] } });
  t.strictSame(containerOf(plan, "web").devices, [device]);
  t.equal(containerOf(plan, "web").seccomp, false);
  t.equal(containerOf(plan, "db").devices, undefined);
  t.equal(containerOf(plan, "db").seccomp, true);
  t.match(
    refusalOf({ containers, annotations: { "peapod/share": "+user" } }),
    /^BAD_MANIFEST container web: cannot be privileged in a user namespace/,
  );
  t.end();
});

const scope = fc.constantFrom("private", "pod", "host", "container:a", "container:b", "container:c", "path:/run/x");
const kind = fc.constantFrom(...NAMESPACE_KINDS);
const share = fc.oneof(
  fc.constant(undefined),
  fc.constant("none"),
  fc
    .uniqueArray(fc.constantFrom("net", "ipc", "uts", "pid", "user", "cgroup", "time"), { minLength: 1 })
    .map((all) => all.join(",")),
  fc.uniqueArray(fc.constantFrom("pid", "user", "cgroup", "time"), { minLength: 1 }).map((all) => `+${all.join(",")}`),
);
const pod: fc.Arbitrary<PodWords> = fc
  .record({
    share,
    scopes: fc.array(fc.record({ container: fc.constantFrom("a", "b", "c"), kind, scope }), { maxLength: 6 }),
    hostNetwork: fc.boolean(),
    hostPID: fc.boolean(),
  })
  .map(({ share, scopes, hostNetwork, hostPID }) => {
    const annotations: Record<string, string> = share === undefined ? {} : { "peapod/share": share };
    for (const name of ["a", "b", "c"]) {
      const own = new Map(scopes.filter((one) => one.container === name).map((one) => [one.kind, one.scope]));
      if (own.size > 0)
        annotations[`peapod/namespaces.${name}`] = [...own].map(([key, value]) => `${key}=${value}`).join(",");
    }
    return { containers: ["a", "b", "c"], annotations, spec: { hostNetwork, hostPID } };
  });

t.test("any pod is refused with a line, or its plan holds together", (t) => {
  let planned = 0;
  fc.assert(
    fc.property(pod, (words) => {
      const refusal = refusalOf(words);
      if (refusal !== "planned") return /^(BAD_MANIFEST|NOT_SUPPORTED) .*/.test(refusal);
      planned += 1;
      assertHolds(aPlan(words));
      return true;
    }),
    { numRuns: 500, seed: 20261122 },
  );
  t.ok(planned > 50, `${planned} of the pods could be planned`);
  t.end();
});

/** Throws where a promise of every plan is broken. */
function assertHolds(plan: Plan): void {
  const files = plan.sandbox.namespaces.map((pin) => pin.file);
  assert(new Set(files).size === files.length, "a namespace is pinned twice");
  const order = new Map<string, number>();
  plan.stages.forEach((stage, index) => {
    for (const step of stage) {
      const key = words([step]);
      // In a user namespace overlays are mounted after what lies below them has its owners mapped.
      assert(!order.has(key) || key === "mount", `${key} is there twice`);
      order.set(key, index);
    }
  });
  const at = (key: string) => {
    const index = order.get(key);
    assert(index !== undefined, `there is no step ${key}`);
    return index as number;
  };
  const used = new Set<string>();
  for (const { name, namespaces } of plan.containers) {
    assert(at(`open-io ${name}`) < at(`create-container ${name}`), `${name} is created before its output is open`);
    assert(at(`create-container ${name}`) < at(`start-container ${name}`), `${name} is started before it is created`);
    for (const kind of NAMESPACE_KINDS) {
      const namespace = namespaces[kind];
      if (namespace.scope === "host" || namespace.scope === "path" || namespace.file === undefined) continue;
      const pin = plan.sandbox.namespaces.find((one) => one.file === namespace.file);
      assert(pin !== undefined && pin.kind === kind, `${namespace.file} is not pinned`);
      used.add(namespace.file);
      const made = pin?.from === "new" ? at(`pin-namespaces ${pin.owner}`) : at(`pin-from-container ${pin?.from}`);
      if (namespace.scope === "private" && pin?.from === name)
        assert(made > at(`create-container ${name}`), "pinned too early");
      else assert(made < at(`create-container ${name}`), `${name} joins ${kind} before it is there`);
    }
  }
  assert(used.size === files.length, "a namespace is pinned that nobody has");
  for (const pick of ["cgroupPath", "name"] as const) {
    assert(new Set(plan.containers.map((one) => one[pick])).size === plan.containers.length, `${pick} is there twice`);
  }
  assert(new Set(plan.containers.map((one) => one.paths.bundle)).size === plan.containers.length, "two share a bundle");
}

function assert(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}
