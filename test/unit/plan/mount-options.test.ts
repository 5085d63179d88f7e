import t from "tap";
import { aPlan, containerOf, type PlanWords, RUNC_1_1, refusalOf } from "../../support/planning.ts";

function optionsOf(mount: object, volume: object = { emptyDir: {} }, more: PlanWords = {}) {
  const plan = aPlan(words(mount, volume), more);
  return containerOf(plan, "web")
    .mounts.find(({ destination }) => destination === "/x")
    ?.options.join();
}

function words(mount: object, volume: object = { emptyDir: {} }) {
  return {
    spec: { volumes: [{ name: "v", ...volume }] },
    containers: {
      web: { volumeMounts: [{ name: "v", mountPath: "/x", ...mount }], securityContext: { privileged: true } },
    },
  };
}

t.test("who may write, and what is passed on", async (t) => {
  t.equal(optionsOf({}), "rbind,rprivate,relatime,rw");
  t.equal(optionsOf({ readOnly: true }), "rbind,rprivate,ro");
  t.equal(optionsOf({}, { downwardAPI: {} }), "rbind,rprivate,ro", "nobody writes to files that we make");
  t.equal(optionsOf({}, { persistentVolumeClaim: { claimName: "a", readOnly: true } }), "rbind,rprivate,ro");
  t.equal(optionsOf({ mountPropagation: "HostToContainer" }), "rbind,rslave,relatime,rw");
  t.equal(optionsOf({ mountPropagation: "Bidirectional" }), "rbind,rshared,relatime,rw");
  t.equal(containerOf(aPlan(words({ mountPropagation: "Bidirectional" })), "web").passesMountsOn, true);
});

t.test("recursiveReadOnly where the kernel and the runtime can", async (t) => {
  const recursive = (recursiveReadOnly: string) => ({ readOnly: true, recursiveReadOnly });
  const old = { runtime: { ...RUNC_1_1, version: "1.0.3" } };
  t.equal(optionsOf(recursive("Enabled"), { emptyDir: {} }, { runtime: RUNC_1_1 }), "rbind,rprivate,rro");
  t.equal(optionsOf(recursive("IfPossible"), { emptyDir: {} }, old), "rbind,rprivate,ro");
  t.match(
    refusalOf(words(recursive("Enabled")), old),
    /^HOST_LACKS container web: runc 1.0.3 cannot mount read-only what is mounted below \(pod.yaml:\d+ /,
  );
  t.match(refusalOf(words(recursive("Enabled")), { facts: { kernel: "5.10.0" } }), /Linux 5.10.0 cannot mount/);
});

t.test("in a user namespace flags of the host's mount are kept, since nobody there could drop them", async (t) => {
  const mapped = (mount: object, volume: object, more: PlanWords = {}) => {
    const spec = { hostUsers: false, volumes: [{ name: "v", ...volume }] };
    const plan = aPlan(
      { spec, containers: { web: { volumeMounts: [{ name: "v", mountPath: "/x", ...mount }] } } },
      more,
    );
    return containerOf(plan, "web")
      .mounts.find(({ destination }) => destination === "/x")
      ?.options.join();
  };
  const hostPath = { hostPath: { path: "/srv" } };
  t.equal(mapped({}, { emptyDir: {} }), "rbind,rprivate,rw");
  t.equal(mapped({ readOnly: true }, { emptyDir: {} }), "rbind,rprivate,nosuid,nodev,ro");
  t.equal(mapped({}, hostPath), "rbind,rprivate,rw");
  t.equal(mapped({ readOnly: true }, hostPath, { runtime: RUNC_1_1 }), "rbind,rprivate,rro");
});
