import t from "tap";
import { makeConfig } from "../../../src/bundle/make-config.ts";
import type { HostDevice } from "../../../src/host/facts.ts";
import { planMemberChange } from "../../../src/plan/members.ts";
import { NO_SECRETS } from "../../../src/plan/secrets.ts";
import { aPlan, containerOf, type PlanWords, type PodWords } from "../../support/planning.ts";

const OWNED = { fileMode: 0o600, uid: 0, gid: 0 };
const FUSE: HostDevice = { path: "/dev/fuse", type: "c", major: 10, minor: 229, ...OWNED };
const DISK: HostDevice = { path: "/srv/disk", type: "b", major: 8, minor: 1, ...OWNED };
const DENY = { allow: false, access: "rwm" };

const VOLUMES = [
  { name: "fuse", hostPath: { path: "/dev/fuse", type: "CharDevice" } },
  { name: "disk", hostPath: { path: "/srv/disk", type: "BlockDevice" } },
  { name: "bare", hostPath: { path: "/dev/fuse" } },
];

/** `mounts`: names of volumes, with `:ro` those that are read-only. */
function pod(mounts: readonly string[], own: object = {}): PodWords {
  const volumeMounts = mounts.map((mount, at) => {
    const [name, readOnly] = mount.split(":");
    return { name, mountPath: `/d${at}`, ...(readOnly === undefined ? {} : { readOnly: true }) };
  });
  return { spec: { volumes: VOLUMES }, containers: { web: { volumeMounts, ...own }, db: {} } };
}

function rulesOf(words: PodWords, more: PlanWords = {}, name = "web") {
  const plan = aPlan(words, { devices: [FUSE, DISK], ...more });
  return makeConfig(plan, containerOf(plan, name)).linux.resources.devices;
}

t.test("a device that a container mounts may be opened, as the mount says, by that container alone", async (t) => {
  const fuse = { allow: true, type: "c", major: 10, minor: 229 };
  const disk = { allow: true, type: "b", major: 8, minor: 1, access: "rw" };
  t.strictSame(rulesOf(pod(["fuse", "disk"])), [DENY, { ...fuse, access: "rw" }, disk]);
  t.strictSame(rulesOf(pod(["fuse:ro"])), [DENY, { ...fuse, access: "r" }]);
  t.strictSame(rulesOf(pod(["fuse:ro", "fuse", "fuse:ro"])), [DENY, { ...fuse, access: "rw" }], "one rule a device");
  t.strictSame(rulesOf(pod(["fuse"]), {}, "db"), [DENY]);
});

t.test("no rule without the type, without the device, or where rules say nothing", async (t) => {
  t.strictSame(rulesOf(pod(["bare"])), [DENY]);
  t.strictSame(rulesOf(pod(["fuse"]), { devices: [] }), [DENY]);
  t.strictSame(rulesOf(pod(["fuse"]), { devices: [{ ...FUSE, type: "b" }] }), [DENY], "that will be refused");
  t.strictSame(rulesOf(pod(["fuse"], { securityContext: { privileged: true } })), [{ allow: true, access: "rwm" }]);
  const user = { uid: 1000, uids: 65537, gids: 65537 };
  t.strictSame(rulesOf(pod(["fuse"]), { facts: { user } }), [DENY]);
});

t.test("with other numbers, or another access, the container is another one", async (t) => {
  const whole = (mount: string, minor: number) => {
    const plan = aPlan(pod([mount]), { devices: [{ ...FUSE, minor }] });
    return { plan, secrets: NO_SECRETS };
  };
  t.equal(planMemberChange(whole("fuse", 229), whole("fuse", 229)), undefined);
  t.match(planMemberChange(whole("fuse", 229), whole("fuse", 230)), { added: [], removed: [], replaced: ["web"] });
  t.match(planMemberChange(whole("fuse", 229), whole("fuse:ro", 229)), { replaced: ["web"] });
});

t.test("in a user namespace a device stays as it is, since its file system maps no owners", async (t) => {
  const words = pod(["fuse"]);
  const plan = aPlan({ ...words, spec: { ...words.spec, hostUsers: false } }, { devices: [FUSE] });
  const maps = plan.stages.flat().flatMap((step) => (step.do === "map-ids" ? step.maps : []));
  t.ok(maps.length > 0);
  t.notOk(maps.some(({ source }) => source === "/dev/fuse"));
  t.match(
    containerOf(plan, "web").mounts.find(({ destination }) => destination === "/d0"),
    { source: "/dev/fuse" },
  );
});

t.test("an init container that has run is not asked for its device again", async (t) => {
  const init = {
    name: "early",
    image: "rootfs:./rootfs",
    command: ["true"],
    volumeMounts: [{ name: "fuse", mountPath: "/d" }],
  };
  const words: PodWords = { ...pod(["fuse"]), spec: { volumes: VOLUMES, initContainers: [init] } };
  const whole = (minor: number) => ({ plan: aPlan(words, { devices: [{ ...FUSE, minor }] }), secrets: NO_SECRETS });
  t.match(planMemberChange(whole(229), whole(230)), { added: [], removed: [], replaced: ["web"] });
});
