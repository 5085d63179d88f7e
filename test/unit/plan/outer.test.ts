import t from "tap";
import { makeConfig } from "../../../src/bundle/make-config.ts";
import { makeMemberCgroupsPath, moveInto, type OuterConfig, type OuterContainer } from "../../../src/plan/outer.ts";
import type { Plan } from "../../../src/plan/plan.ts";
import { aManifest, aPlan, containerOf, type PodWords } from "../../support/planning.ts";

const CONFIG: OuterConfig = {
  process: {
    user: { uid: 5, gid: 6, additionalGids: [7] },
    env: ["PATH=/outer", "COLOUR=blue", "PEAPOD_MANIFEST=/x"],
    capabilities: { bounding: ["CAP_CHOWN", "CAP_KILL"] },
    rlimits: [{ type: "RLIMIT_NOFILE", soft: 1, hard: 2 }],
    oomScoreAdj: 100,
  },
  root: { path: "rootfs" },
  mounts: [
    { destination: "/proc", type: "proc", source: "proc" },
    { destination: "/dev/shm", type: "bind", source: "/var/shm", options: ["bind"] },
    { destination: "/etc/hosts", type: "bind", source: "/var/hosts", options: ["rbind"] },
    { destination: "/data", type: "bind", source: "/var/data", options: ["rbind"] },
  ],
  linux: {
    cgroupsPath: "/docker/abc",
    namespaces: [{ type: "pid" }, { type: "network" }],
    resources: { devices: [{ allow: false, access: "rwm" }] },
    maskedPaths: ["/proc/kcore"],
    seccomp: { defaultAction: "SCMP_ACT_ERRNO" },
  },
};

function moved(words: PodWords = {}, config: OuterConfig = CONFIG): Plan {
  const outer: OuterContainer = { pid: 42, startTime: 1, dir: "/run/x", cgroupPath: "/docker/abc", config };
  return moveInto(aPlan(words), aManifest(words), outer);
}

t.test("what the pod shares, and what the manifest calls the host, is the caller's container", (t) => {
  const { namespaces } = containerOf(moved({ spec: { hostPID: true } }), "web");
  for (const kind of ["net", "ipc", "uts", "pid"] as const) {
    t.strictSame(namespaces[kind], { scope: "path", file: `/proc/42/ns/${kind}` }, kind);
  }
  t.strictSame(containerOf(moved(), "web").namespaces.pid, { scope: "private" }, "processes are a member's own");
  const shared = moved({ spec: { shareProcessNamespace: true } });
  t.strictSame(containerOf(shared, "web").namespaces.pid, { scope: "path", file: "/proc/42/ns/pid" });
  t.strictSame(
    shared.containers.map(({ name }) => name),
    ["web"],
    "its sandbox is the first process, not one of ours",
  );
  t.strictSame(shared.sandbox.namespaces, []);
  t.end();
});

t.test("members lie below the caller's cgroup, which is left to him", (t) => {
  const plan = moved();
  t.strictSame(plan.sandbox.cgroup, { driver: "cgroupfs", path: "/docker/abc", base: "/docker/abc", isCallers: true });
  t.equal(makeConfig(plan, containerOf(plan, "web")).linux.cgroupsPath, "/docker/abc/web");
  t.end();
});

t.test(
  "a member's cgroup path is relative where the caller's is, since runc takes it from each hierarchy's own place",
  (t) => {
    const outer = (cgroupsPath: string | undefined): OuterContainer => ({
      ...{ pid: 42, startTime: 1, dir: "/run/x", cgroupPath: "/here/id" },
      config: { ...CONFIG, linux: cgroupsPath === undefined ? {} : { cgroupsPath } },
    });
    for (const [wanted, expected] of [
      ["/docker/id", "/here/id/web"],
      ["id", "id/web"],
      [undefined, "id/web"],
      ["", "id/web"],
      ["machine.slice:libpod:id", "/here/id/web"],
    ] as const) {
      t.equal(makeMemberCgroupsPath(outer(wanted), "web"), expected, `${wanted}`);
      const onlyOne = { ...outer(wanted), hasOneHierarchy: true };
      t.equal(makeMemberCgroupsPath(onlyOne, "web"), "/here/id/web", `${wanted} on version 2`);
    }
    t.end();
  },
);

t.test("a member inherits from the caller's config.json what a plan does not decide", (t) => {
  const plan = moved({ containers: { web: { env: [{ name: "COLOUR", value: "red" }] } } });
  const config = makeConfig(plan, containerOf(plan, "web"));
  t.match(config.process, {
    user: { uid: 5, gid: 6, additionalGids: [7] },
    rlimits: CONFIG.process.rlimits,
    oomScoreAdj: 100,
  });
  t.ok(config.process.env.includes("PATH=/outer"));
  t.ok(config.process.env.includes("COLOUR=red"), "the manifest's own come first");
  t.notOk(
    config.process.env.some((pair) => pair.startsWith("PEAPOD_MANIFEST")),
    "what was meant for us is not theirs",
  );
  t.strictSame(config.linux.seccomp, CONFIG.linux?.seccomp);
  t.strictSame(config.linux.maskedPaths, ["/proc/kcore"]);
  const sources = Object.fromEntries(config.mounts.map(({ destination, source }) => [destination, source]));
  t.match(sources, { "/dev/shm": "/var/shm", "/etc/hosts": "/var/hosts", "/data": "/var/data" });
  t.equal(sources["/etc/hostname"], "/run/peapod/pods/shop/files/hostname", "what he does not mount is ours");
  t.end();
});

t.test("a volume of the manifest's stands in place of the caller's mount", (t) => {
  const volumeMounts = [{ name: "own", mountPath: "/data/" }];
  const plan = moved({ spec: { volumes: [{ name: "own", emptyDir: {} }] }, containers: { web: { volumeMounts } } });
  const found = makeConfig(plan, containerOf(plan, "web")).mounts.filter(({ destination }) => destination === "/data");
  t.strictSame(
    found.map(({ source }) => source),
    ["/run/peapod/pods/shop/volumes/own"],
  );
  t.end();
});

t.test("a /dev/shm that is the caller's container's alone is replaced by one for the pod", (t) => {
  const mounts = [{ destination: "/dev/shm", type: "tmpfs", source: "shm" }];
  const plan = moved({}, { ...CONFIG, mounts });
  const found = makeConfig(plan, containerOf(plan, "web")).mounts.find(({ destination }) => destination === "/dev/shm");
  t.match(found, { type: "bind", source: /^\/run\/peapod\/pods\/shop\/shm\// });
  t.end();
});

t.test("a member's directory is the caller's layer, but for one that several run from", (t) => {
  const plan = moved({ containers: ["web"] });
  t.equal(makeConfig(plan, containerOf(plan, "web")).root.path, containerOf(plan, "web").rootfs.lower);
  const both = moved({ containers: ["web", "db"] });
  t.match(makeConfig(both, containerOf(both, "web")).root.path, /^\/run\/peapod\/pods\/shop\/bundles\/web\//);
  const readOnly = moved({}, { ...CONFIG, root: { path: "rootfs", readonly: true } });
  t.ok(makeConfig(readOnly, containerOf(readOnly, "web")).root.readonly);
  t.end();
});

t.test("no privilege is had that the caller did not give", (t) => {
  const securityContext = (words: object) => ({ containers: { web: { securityContext: words } } });
  const namesOf = (words: object) => containerOf(moved(securityContext(words)), "web").process.capabilities;
  t.strictSame(containerOf(moved(), "web").process.capabilities, ["CAP_CHOWN", "CAP_KILL"]);
  t.strictSame(namesOf({ capabilities: { drop: ["KILL"] } }), ["CAP_CHOWN"]);
  t.strictSame(namesOf({ capabilities: { drop: ["ALL"], add: ["KILL"] } }), ["CAP_KILL"]);
  t.throws(() => namesOf({ capabilities: { add: ["NET_ADMIN"] } }), { code: "NOT_PERMITTED" });
  t.throws(() => namesOf({ privileged: true }), { code: "NOT_PERMITTED" });
  const namespaces = [{ type: "user" }];
  t.throws(() => moved({}, { ...CONFIG, linux: { ...CONFIG.linux, namespaces } }), { code: "NOT_SUPPORTED" });
  t.end();
});
