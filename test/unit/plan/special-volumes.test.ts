// Volumes that are more than a directory, as the plan has them.

import t from "tap";
import { makeImageSize } from "../../../src/plan/disk-image.ts";
import type { PlannedVolume } from "../../../src/plan/plan.ts";
import { aPlan, type PlanWords, refusalOf } from "../../support/planning.ts";

function planned(volume: object, spec: object = {}, more: PlanWords = {}): PlannedVolume {
  const plan = aPlan({ spec: { volumes: [{ name: "v", ...volume }], ...spec } }, more);
  return plan.sandbox.volumes[0] as PlannedVolume;
}

t.test("each kind has its place", async (t) => {
  t.match(planned({ emptyDir: {} }), { kind: "directory", path: "/run/peapod/pods/shop/volumes/v" });
  t.match(planned({ emptyDir: { sizeLimit: "1Mi" } }), {
    kind: "disk",
    sizeBytes: 1048576,
    image: "/run/peapod/pods/shop/volumes/.v.img",
  });
  t.match(planned({ emptyDir: { medium: "Memory" } }), { kind: "tmpfs" });
  t.match(planned({ persistentVolumeClaim: { claimName: "a" } }), {
    kind: "named",
    path: "/var/lib/peapod/volumes/a/data",
  });
  t.match(planned({ persistentVolumeClaim: { claimName: "a" } }, {}, { root: "/own" }), {
    path: "/own/volumes/a/data",
  });
});

t.test("fsGroup owns them, and every process is in it", async (t) => {
  const group = { securityContext: { fsGroup: 7 } };
  t.match(planned({ emptyDir: {} }, group), { owner: { uid: 0, gid: 7, isGroup: true } });
  const plan = aPlan({ spec: { volumes: [{ name: "v", emptyDir: { medium: "Memory" } }], ...group } });
  const mounts = plan.stages.flat().flatMap((step) => (step.do === "mount" ? step.mounts : []));
  t.match(mounts.find(({ target }) => target.endsWith("/v"))?.options.join(), /mode=2777,uid=0,gid=7/);
  t.same(plan.containers[0]?.process.additionalGids, [0, 7]);
});

t.test("files have their modes, and those of a group that may read", async (t) => {
  const items = [
    { path: "a", fieldRef: { fieldPath: "metadata.name" } },
    { path: "b", mode: 0o600, fieldRef: { fieldPath: "metadata.name" } },
  ];
  const modes = (spec: object, defaultMode?: number) => {
    const volume = planned({ downwardAPI: { items, ...(defaultMode && { defaultMode }) } }, spec);
    return volume.kind === "files" ? volume.files.map(({ mode }) => mode.toString(8)) : [];
  };
  t.same(modes({}), ["644", "600"]);
  t.same(modes({}, 0o400), ["400", "600"]);
  t.same(modes({ securityContext: { fsGroup: 7 } }, 0o400), ["440", "640"]);
});

t.test("a path cannot be a file and a directory", async (t) => {
  const items = ["a", "a/b"].map((path) => ({ path, fieldRef: { fieldPath: "metadata.name" } }));
  const volumes = [{ name: "v", downwardAPI: { items } }];
  t.match(
    refusalOf({ spec: { volumes } }),
    /^BAD_MANIFEST volume v: a would be a file and a directory \(pod.yaml:\d+ /,
  );
});

t.test("huge pages only of sizes that the machine has", async (t) => {
  const huge = (medium: string) => ({ emptyDir: { medium } });
  const facts = { hugePages: ["2048kB"] };
  t.match(planned(huge("HugePages-2Mi"), {}, { facts }), { kind: "tmpfs", pageSize: "2048K" });
  t.match(planned(huge("HugePages"), {}, { facts }), { kind: "tmpfs", pageSize: "" });
  const refused = (medium: string) => refusalOf({ spec: { volumes: [{ name: "v", ...huge(medium) }] } }, { facts });
  t.match(refused("HugePages-1Gi"), /^HOST_LACKS volume v: this machine has no huge pages of 1Gi \(pod.yaml:\d+ /);
});

t.test("an image is a little larger than what it holds", async (t) => {
  for (const size of [1, 4096, 2 ** 20, 2 ** 30, 2 ** 40]) {
    const { bytes, inodes } = makeImageSize(size);
    t.equal(bytes % 4096, 0);
    t.ok(bytes > size && bytes < size * 1.06 + 2 ** 20, `${size}: ${bytes}`);
    t.ok(inodes >= 256);
  }
});
