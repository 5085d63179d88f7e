import t from "tap";
import { PAUSE } from "../../../src/base/names.ts";
import type { NamespaceKind } from "../../../src/plan/plan.ts";
import {
  aPlan,
  containerOf,
  type PlanWords,
  type PodWords,
  RUNC_1_1,
  refusalOf,
  scopeOf,
} from "../../support/planning.ts";

const KINDS = ["net", "ipc", "uts", "pid", "user", "cgroup", "time", "mnt"] as const;

/** A pod of web and db where `peapod/namespaces.web` says so. */
function webWith(scopes: string, more: PodWords = {}): PodWords {
  return { containers: ["web", "db"], ...more, annotations: { "peapod/namespaces.web": scopes, ...more.annotations } };
}

function rowOf(words: PodWords, more: PlanWords = {}): string {
  const plan = aPlan(words, more);
  return KINDS.map((kind) => scopeOf(plan, "web", kind)).join(" ");
}

t.test("defaults are Kubernetes'", (t) => {
  const rows: [string, PodWords, PlanWords, string][] = [
    ["nothing said, cgroup v2", {}, {}, "pod pod pod private host private host private"],
    ["nothing said, cgroup v1", {}, { facts: { cgroupLayout: "v1" } }, "pod pod pod private host host host private"],
    ["nothing said, hybrid", {}, { facts: { cgroupLayout: "hybrid" } }, "pod pod pod private host host host private"],
    [
      "hostNetwork brings the host's name",
      { spec: { hostNetwork: true } },
      {},
      "host pod host private host private host private",
    ],
    ["hostPID", { spec: { hostPID: true } }, {}, "pod pod pod host host private host private"],
    ["hostIPC", { spec: { hostIPC: true } }, {}, "pod host pod private host private host private"],
    [
      "shareProcessNamespace",
      { spec: { shareProcessNamespace: true } },
      {},
      "pod pod pod pod host private host private",
    ],
  ];
  for (const [name, words, more, expected] of rows) t.equal(rowOf(words, more), expected, name);
  t.end();
});

t.test("peapod/share is podman's list", (t) => {
  const rows: [string, string][] = [
    ["none", "private private private private host private host private"],
    ["", "private private private private host private host private"],
    ["net", "pod private private private host private host private"],
    ["net,pid", "pod private private pod host private host private"],
    ["+pid", "pod pod pod pod host private host private"],
    ["+pid,cgroup", "pod pod pod pod host pod host private"],
    ["-net", "private pod pod private host private host private"],
    ["-net,ipc,+user", "private private pod private pod private host private"],
    ["+time", "pod pod pod private host private pod private"],
  ];
  for (const [share, expected] of rows)
    t.equal(rowOf({ annotations: { "peapod/share": share } }), expected, `share: ${share}`);
  t.end();
});

t.test("a share that contradicts a field or itself is refused with its line", (t) => {
  const rows: [string, Record<string, unknown>, RegExp][] = [
    ["net", { hostNetwork: true }, /^BAD_MANIFEST .*net cannot be the pod's while spec.hostNetwork.*pod.yaml:6 /],
    ["none", { hostNetwork: true }, /^planned/],
    ["-net", { hostNetwork: true }, /^BAD_MANIFEST .*net cannot be private while spec.hostNetwork/],
    ["+uts", { hostNetwork: true }, /^planned/],
    ["+pid", { hostPID: true }, /^BAD_MANIFEST .*spec.hostPID/],
    ["ipc", { hostIPC: true }, /^BAD_MANIFEST .*spec.hostIPC/],
    ["net", { shareProcessNamespace: true }, /^BAD_MANIFEST .*does not share pid/],
    ["mnt", {}, /^NOT_SUPPORTED .*a mount namespace cannot be shared/],
    ["+net,-net", {}, /^BAD_MANIFEST .*both added and taken away/],
    ["net,-ipc", {}, /^BAD_MANIFEST .*changes the default/],
    ["netz", {}, /^BAD_MANIFEST .*netz is not a namespace/],
    ["net,none", {}, /^BAD_MANIFEST .*none stands alone/],
    ["net,", {}, /^BAD_MANIFEST .*an empty item/],
  ];
  for (const [share, spec, expected] of rows) {
    t.match(
      refusalOf({ annotations: { "peapod/share": share }, spec }),
      expected,
      `${share} with ${JSON.stringify(spec)}`,
    );
  }
  t.end();
});

t.test("kind by scope: what a container may have", (t) => {
  const accepted = "planned";
  const table: Record<NamespaceKind, Record<string, string | RegExp>> = {
    net: { private: accepted, pod: accepted, host: accepted, "container:db": accepted, "path:/run/x": accepted },
    ipc: { private: accepted, pod: accepted, host: accepted, "container:db": accepted, "path:/run/x": accepted },
    uts: { private: accepted, pod: accepted, host: accepted, "container:db": accepted, "path:/run/x": accepted },
    pid: { private: accepted, pod: accepted, host: accepted, "container:db": accepted, "path:/run/x": accepted },
    cgroup: { private: accepted, pod: accepted, host: accepted, "container:db": accepted, "path:/run/x": accepted },
    time: { private: accepted, pod: accepted, host: accepted, "container:db": accepted, "path:/run/x": accepted },
    user: {
      private:
        /^NOT_SUPPORTED .*setns\(2\) lets a process in a user namespace join only what belongs to it.*the pod's net/,
      // The pod's own namespaces belong to its user namespace then.
      pod: accepted,
      host: accepted,
      "container:db": accepted,
      "path:/run/x": /^NOT_SUPPORTED .*cannot join a user namespace by path/,
    },
    mnt: {
      private: accepted,
      pod: /^NOT_SUPPORTED .*mount namespace cannot be shared/,
      host: /^NOT_SUPPORTED .*mount namespace cannot be shared/,
      "container:db": /^NOT_SUPPORTED .*mount namespace cannot be shared/,
      "path:/run/x": /^NOT_SUPPORTED .*mount namespace cannot be shared/,
    },
  };
  for (const kind of KINDS) {
    for (const [scope, expected] of Object.entries(table[kind])) {
      t.match(refusalOf(webWith(`${kind}=${scope}`)), expected, `${kind}=${scope}`);
    }
  }
  t.end();
});

t.test("what cannot be read is refused with the annotation's line", (t) => {
  const rows: [string, RegExp][] = [
    ["net", /net is not KIND=SCOPE/],
    ["netz=private", /netz=private is not KIND=SCOPE/],
    ["net=shared", /net: shared is not a scope/],
    ["net=private,net=host", /net is given twice/],
    ["net=container:nobody", /there is no container nobody/],
    ["net=container:web", /web cannot join itself/],
    ["uts=path:run/x", /run\/x is not an absolute path/],
    ["", /an empty item is not KIND=SCOPE/],
  ];
  for (const [text, expected] of rows) {
    const refusal = refusalOf(webWith(text));
    t.match(refusal, expected, text);
    t.match(
      refusal,
      /^BAD_MANIFEST annotation peapod\/namespaces.web: .*\(pod.yaml:6 metadata.annotations\["peapod\/namespaces.web"\]\)$/,
    );
  }
  t.end();
});

t.test("containers that join each other in a ring are refused", (t) => {
  const ring = { "peapod/namespaces.web": "pid=container:db", "peapod/namespaces.db": "pid=container:web" };
  t.match(
    refusalOf({ containers: ["web", "db"], annotations: ring }),
    /^BAD_MANIFEST .*pid: web joins db joins web: a ring/,
  );
  const crossed = { "peapod/namespaces.web": "pid=container:db", "peapod/namespaces.db": "cgroup=container:web" };
  t.match(
    refusalOf({ containers: ["web", "db"], annotations: crossed }),
    /^BAD_MANIFEST containers web, db: wait for each other/,
  );
  const harmless = {
    "peapod/namespaces.web": "pid=container:db,net=private",
    "peapod/namespaces.db": "net=container:web",
  };
  t.equal(
    refusalOf({ containers: ["web", "db"], annotations: harmless }),
    "planned",
    "net is made beforehand and orders nothing",
  );
  t.end();
});

t.test("a chain of containers ends at the namespace that is really meant", (t) => {
  const annotations = {
    "peapod/namespaces.a": "ipc=container:b,net=container:b",
    "peapod/namespaces.b": "ipc=container:c",
    "peapod/namespaces.c": "ipc=private",
  };
  const plan = aPlan({ containers: ["a", "b", "c"], annotations });
  t.equal(scopeOf(plan, "a", "ipc"), "container:c");
  t.equal(scopeOf(plan, "a", "net"), "pod");
  const c = containerOf(plan, "c").namespaces.ipc;
  t.strictSame(c, { scope: "private", file: "/run/peapod/pods/shop/ns/c-ipc", from: "new" });
  t.end();
});

t.test("runc before 1.2 and kernels without it refuse the time namespace before anything is called", (t) => {
  const words = { annotations: { "peapod/share": "+time" } };
  t.match(
    refusalOf(words, { runtime: RUNC_1_1 }),
    /^NOT_SUPPORTED annotation peapod\/share: runc 1.1.5 does not know the time namespace/,
  );
  t.match(
    refusalOf(words, { facts: { hasTimeNamespaces: false } }),
    /^HOST_LACKS .*Linux 6.1.0 has no time namespaces/,
  );
  const crun = { kind: "crun", path: "/usr/bin/crun", version: "1.8.1" } as const;
  t.equal(refusalOf(words, { runtime: crun }), "planned");
  t.end();
});

t.test("time offsets are set in every new time namespace, and refused without one", (t) => {
  const offsets = { "peapod/timeOffsets": "boottime=3600,monotonic=-5" };
  const plan = aPlan({ annotations: { ...offsets, "peapod/share": "+time" } });
  t.match(
    plan.sandbox.namespaces.find((pin) => pin.kind === "time"),
    { owner: "pod", from: "new", offsets: { boottime: 3600, monotonic: -5 } },
  );
  const own = aPlan({ annotations: { ...offsets, "peapod/namespaces.web": "time=private" } });
  t.match(
    own.sandbox.namespaces.find((pin) => pin.kind === "time"),
    { owner: "web", from: "new" },
  );
  t.match(containerOf(own, "web").namespaces.time, { scope: "private", from: "new" });
  t.match(refusalOf({ annotations: offsets }), /^BAD_MANIFEST .*no container has a new time namespace/);
  t.match(
    refusalOf(webWith("time=path:/run/t", { annotations: offsets })),
    /^BAD_MANIFEST .*no container has a new time namespace/,
  );
  const inUser = { ...offsets, "peapod/share": "+time,user" };
  t.match(refusalOf({ annotations: inUser }), /^NOT_SUPPORTED .*in a user namespace: offsets/);
  for (const text of ["boottime", "boottime=1.5", "uptime=3", "boottime=1,boottime=2", ""]) {
    t.match(
      refusalOf({ annotations: { "peapod/share": "+time", "peapod/timeOffsets": text } }),
      /^BAD_MANIFEST .*is not an offset/,
      text,
    );
  }
  t.end();
});

t.test("a user namespace joins only what belongs to it", (t) => {
  const rows: [string, Record<string, string>, RegExp][] = [
    [
      "alone with all its own",
      { "peapod/namespaces.web": "user=private,net=private,ipc=private,uts=private" },
      /^planned/,
    ],
    [
      "alone in the host's",
      { "peapod/namespaces.web": "user=private,net=host,ipc=host,uts=host,pid=host" },
      /^planned/,
    ],
    [
      "with the pod's net",
      { "peapod/namespaces.web": "user=private,ipc=private,uts=private" },
      /^NOT_SUPPORTED .*web: net: .*the pod's net/,
    ],
    [
      "with a path",
      { "peapod/namespaces.web": "user=private,net=path:/run/x,ipc=private,uts=private" },
      /^NOT_SUPPORTED .*that of \/run\/x/,
    ],
    ["shared by the pod", { "peapod/share": "+user" }, /^planned/],
    ["shared by the pod, pid too", { "peapod/share": "+user,pid,cgroup" }, /^planned/],
    [
      "another container's with that container's processes",
      {
        "peapod/namespaces.db": "user=private,net=private,ipc=private,uts=private",
        "peapod/namespaces.web":
          "user=container:db,net=container:db,ipc=container:db,uts=container:db,pid=container:db",
      },
      /^planned/,
    ],
    [
      "another container's processes without its user namespace",
      {
        "peapod/namespaces.db": "pid=private",
        "peapod/namespaces.web": "user=private,net=private,ipc=private,uts=private,pid=container:db",
      },
      /^NOT_SUPPORTED .*web: pid: .*that of container db/,
    ],
    [
      "the host's root may join anything",
      {
        "peapod/namespaces.db": "user=private,net=private,ipc=private,uts=private",
        "peapod/namespaces.web": "net=container:db,pid=container:db",
      },
      /^planned/,
    ],
  ];
  for (const [name, annotations, expected] of rows)
    t.match(refusalOf({ containers: ["web", "db"], annotations }), expected, name);
  t.end();
});

t.test("what a user namespace of the pod owns begins with the pod's first process", (t) => {
  const plan = aPlan({ annotations: { "peapod/share": "+user" } });
  t.strictSame(plan.sandbox.namespaces.map((pin) => `${pin.kind} ${pin.from}`).sort(), [
    "ipc _pause",
    "net _pause",
    "user _pause",
    "uts _pause",
  ]);
  const pause = containerOf(plan, PAUSE);
  t.equal(pause.hostname, "shop", "the runtime names the uts namespace that it makes");
  t.equal(containerOf(plan, "web").hostname, undefined);
  t.strictSame(pause.idMapping?.uids, [{ container: 0, host: 100_000, size: 65_536 }]);
  const told = aPlan(
    { annotations: { "peapod/share": "+user" } },
    { facts: { subordinateIds: { uid: { first: 200_000, count: 1000 }, gid: { first: 300_000, count: 2000 } } } },
  );
  t.strictSame(containerOf(told, "web").idMapping, {
    uids: [{ container: 0, host: 200_000, size: 1000 }],
    gids: [{ container: 0, host: 300_000, size: 2000 }],
  });
  t.end();
});

t.test("there is a first process only where something shared needs one", (t) => {
  const names = (annotations: Record<string, string>) =>
    aPlan({ annotations }).containers.map(({ name }) => name as string);
  t.strictSame(names({}), ["web"]);
  t.strictSame(names({ "peapod/share": "none" }), ["web"]);
  for (const kind of ["pid", "user", "cgroup"])
    t.strictSame(names({ "peapod/share": `+${kind}` }), ["_pause", "web"], kind);
  t.end();
});

t.test("reasons name the line that decided, or whose default it is", (t) => {
  const plan = aPlan(webWith("net=private", { spec: { hostPID: true } }));
  const { reasons } = containerOf(plan, "web");
  t.match(reasons["namespaces.net"], {
    source: "manifest",
    where: 'pod.yaml:6 metadata.annotations["peapod/namespaces.web"]',
  });
  t.match(reasons["namespaces.pid"], { source: "manifest", where: /^pod.yaml:\d+ spec.hostPID$/ });
  t.match(reasons["namespaces.ipc"], { source: "default", where: "Kubernetes default" });
  t.end();
});
