import t from "tap";
import { aPlan, containerOf, refusalOf } from "../../support/planning.ts";

const BUNDLE = "/run/peapod/pods/shop/bundles/web";
const volumes = [
  { path: "/data", from: "srv/data", mode: 0o750, uid: 1000, gid: 50 },
  { path: "/empty", mode: 0o755, uid: 0, gid: 0 },
];

function overlaysOf(words: Parameters<typeof aPlan>[0], more: Parameters<typeof aPlan>[1] = {}) {
  const plan = aPlan(words, { image: { volumes }, rootfs: "/store/rootfs", ...more });
  const mounts = plan.stages.flat().flatMap((step) => (step.do === "mount" ? step.mounts : []));
  return { plan, overlays: mounts.filter(({ target }) => target.startsWith(`${BUNDLE}/volumes/`)) };
}

t.test("each volume of an image is an overlay on what the image has there", async (t) => {
  const { plan, overlays } = overlaysOf({});
  t.match(overlays, [
    {
      target: `${BUNDLE}/volumes/0/data`,
      options: ["lowerdir=/store/rootfs/srv/data", `upperdir=${BUNDLE}/volumes/0/upper`],
    },
    { target: `${BUNDLE}/volumes/1/data`, options: [`lowerdir=${BUNDLE}/volumes/1/empty`] },
  ]);
  t.match(
    overlays[0]?.directories.find(({ path }) => path.endsWith("upper")),
    { mode: 0o750, uid: 1000, gid: 50 },
  );
  const mount = containerOf(plan, "web").mounts.find(({ destination }) => destination === "/data");
  t.match(mount, { type: "bind", source: `${BUNDLE}/volumes/0/data`, options: ["rbind", "rprivate", "rw"] });
  t.match(containerOf(plan, "web").reasons["mounts./data"], { source: "image" });
});

t.test("where the manifest mounts something, that is there", async (t) => {
  const spec = { volumes: [{ name: "own", emptyDir: {} }] };
  const { overlays } = overlaysOf({
    spec,
    containers: { web: { volumeMounts: [{ name: "own", mountPath: "/data" }] } },
  });
  t.equal(overlays.length, 1);
});

t.test("in a user namespace owners are mapped, and the mount is not mapped twice", async (t) => {
  const range = { first: 100_000, count: 65_536 };
  const facts = { subordinateIds: { uid: range, gid: range } };
  const { plan, overlays } = overlaysOf({ spec: { hostUsers: false } }, { facts });
  t.match(overlays[0]?.options[0], /^lowerdir=\/run\/peapod\/pods\/shop\/idmap\/rootfs-[0-9a-f]{8}\/srv\/data$/);
  t.match(
    overlays[0]?.directories.find(({ path }) => path.endsWith("upper")),
    { uid: 101_000, gid: 100_050 },
  );
  const mount = containerOf(plan, "web").mounts.find(({ destination }) => destination === "/data");
  t.equal(mount?.source, `${BUNDLE}/volumes/0/data`);
});

t.test("an image's stop signal holds where the manifest says none", async (t) => {
  const stop = (written: string, lifecycle?: object) =>
    containerOf(
      aPlan({ containers: { web: lifecycle ? { lifecycle } : {} } }, { image: { stopSignal: written } }),
      "web",
    ).stopSignal;
  t.equal(stop("INT"), "SIGINT");
  t.equal(stop("3"), "SIGQUIT");
  t.equal(stop("SIGTERM"), undefined);
  t.equal(stop("INT", { stopSignal: "SIGUSR1" }), "SIGUSR1");
  t.match(
    refusalOf({}, { image: { stopSignal: "LOUD" } }),
    /^NOT_SUPPORTED container web: its image's stop signal "LOUD" is none/,
  );
});
