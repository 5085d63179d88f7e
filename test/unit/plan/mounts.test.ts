import t from "tap";
import { aPlan, containerOf, type PodWords, refusalOf } from "../../support/planning.ts";

function mountsOf(words: PodWords, name = "web") {
  return containerOf(aPlan(words), name).mounts;
}

function sourceOf(words: PodWords, destination: string, name = "web"): string | undefined {
  return mountsOf(words, name).find((mount) => mount.destination === destination)?.source;
}

const POD = "/run/peapod/pods/shop";

t.test("/dev/shm goes with the ipc namespace", (t) => {
  const shared = aPlan({ containers: ["web", "db"] });
  t.strictSame(shared.sandbox.sharedMemory, [{ owner: "pod", path: `${POD}/shm/pod`, sizeBytes: 67_108_864 }]);
  t.equal(sourceOf({}, "/dev/shm"), `${POD}/shm/pod`);
  t.equal(sourceOf({ spec: { hostIPC: true } }, "/dev/shm"), "/dev/shm");
  const own = mountsOf({ annotations: { "peapod/namespaces.web": "ipc=private" } }).find(
    (mount) => mount.destination === "/dev/shm",
  );
  t.match(own, { type: "tmpfs", source: "shm" });
  const foreign = mountsOf({ annotations: { "peapod/namespaces.web": "ipc=path:/run/x" } }).find(
    (mount) => mount.destination === "/dev/shm",
  );
  t.match(foreign, { type: "tmpfs", source: "shm" });
  const lent: PodWords = {
    containers: ["web", "db"],
    annotations: { "peapod/namespaces.web": "ipc=container:db", "peapod/namespaces.db": "ipc=private" },
  };
  t.equal(sourceOf(lent, "/dev/shm", "web"), `${POD}/shm/db`);
  t.equal(sourceOf(lent, "/dev/shm", "db"), `${POD}/shm/db`, "the owner is in the same memory");
  t.end();
});

t.test("hosts, hostname and resolv.conf are the pod's, or with the host's network the host's and read-only", (t) => {
  t.equal(sourceOf({}, "/etc/hosts"), `${POD}/files/hosts`);
  const host = mountsOf({ spec: { hostNetwork: true } });
  for (const file of ["/etc/hosts", "/etc/hostname", "/etc/resolv.conf"]) {
    const mount = host.find((one) => one.destination === file);
    t.equal(mount?.source, file);
    t.ok(mount?.options.includes("ro"));
  }
  const named = { spec: { hostNetwork: true }, annotations: { "peapod/share": "+uts" } };
  t.equal(sourceOf(named, "/etc/hostname"), `${POD}/files/hostname`);
  const { files } = aPlan({ spec: { hostname: "till" } }).sandbox;
  t.match(files[0]?.text, /^127\.0\.0\.1\tlocalhost$/m);
  t.match(files[0]?.text, /^127\.0\.0\.1\ttill$/m);
  t.equal(files[1]?.text, "till\n");
  t.equal(files[2]?.text, "nameserver 192.0.2.1\n");
  t.end();
});

t.test("what the user mounts stands in place of ours, parents first", (t) => {
  const words = {
    spec: { volumes: [{ name: "v", emptyDir: {} }] },
    containers: {
      web: {
        volumeMounts: [
          { name: "v", mountPath: "/data/deep/er" },
          { name: "v", mountPath: "/etc/hosts", readOnly: true },
          { name: "v", mountPath: "/data//" },
        ],
      },
    },
  };
  const mounts = mountsOf(words).map(({ destination, options }) => `${destination} ${options.at(-1)}`);
  t.strictSame(mounts, [
    "/data rw",
    "/dev/shm rw",
    "/etc/hostname rw",
    "/etc/hosts ro",
    "/etc/resolv.conf rw",
    "/data/deep/er rw",
  ]);
  t.equal(sourceOf(words, "/etc/hosts"), `${POD}/volumes/v`);
  t.end();
});

t.test("paths that no mount can have are refused with their line", (t) => {
  const at = (mountPath: string) => ({
    spec: { volumes: [{ name: "v", emptyDir: {} }] },
    containers: { web: { volumeMounts: [{ name: "v", mountPath }] } },
  });
  for (const path of ["/", "data", "/a/../../etc", "/proc", "/proc/sys/kernel", "//"]) {
    t.match(refusalOf(at(path)), /^BAD_MANIFEST .*pod.yaml:\d+/, path);
  }
  t.equal(refusalOf(at("/proc2")), "planned");
  t.end();
});

t.test("volumes are directories, memory and places on the host", (t) => {
  const volumes = [
    { name: "d", emptyDir: {} },
    { name: "m", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
    { name: "h", hostPath: { path: "/srv/data", type: "Directory" } },
  ];
  const plan = aPlan({ spec: { volumes } });
  t.strictSame(plan.sandbox.volumes, [
    { kind: "directory", name: "d", path: `${POD}/volumes/d` },
    { kind: "tmpfs", name: "m", path: `${POD}/volumes/m`, sizeBytes: 1_048_576 },
    { kind: "host", name: "h", path: "/srv/data", type: "Directory" },
  ]);
  const mounts = plan.stages.flat().flatMap((step) => (step.do === "mount" ? step.mounts : []));
  t.match(
    mounts.find((mount) => mount.target === `${POD}/volumes/m`),
    { type: "tmpfs", options: ["nosuid", "nodev", "mode=0777", "size=1048576"] },
  );
  t.end();
});

t.test("an overlay has the image below and directories of its own above", (t) => {
  const plan = aPlan();
  const [overlay] = plan.stages
    .flat()
    .flatMap((step) => (step.do === "mount" ? step.mounts.filter((one) => one.type === "overlay") : []));
  const bundle = `${POD}/bundles/web`;
  t.strictSame(overlay?.options, [`lowerdir=/example/rootfs`, `upperdir=${bundle}/upper`, `workdir=${bundle}/work`]);
  t.equal(overlay?.target, `${bundle}/rootfs`);
  for (const bad of ["/a:b", "/a,b", "/a\\b", '/a"b', "/a\nb"]) {
    t.match(
      refusalOf({}, { rootfs: bad }),
      /^NOT_SUPPORTED container web: path .* overlay file systems cannot take/,
      JSON.stringify(bad),
    );
  }
  t.end();
});

t.test("in a user namespace the upper directory belongs to its root, who passes through to it", (t) => {
  const plan = aPlan({
    annotations: { "peapod/share": "+user" },
    spec: { volumes: [{ name: "v", emptyDir: {} }] },
    containers: { web: { volumeMounts: [{ name: "v", mountPath: "/srv/data/here" }] } },
  });
  const [overlay] = plan.stages
    .flat()
    .flatMap((step) => (step.do === "mount" ? step.mounts.filter((one) => one.type === "overlay") : []));
  const owned = overlay?.directories
    .filter((one) => one.uid === 100_000 && one.gid === 100_000)
    .map(({ path }) => path);
  const upper = `${POD}/bundles/web/upper`;
  t.strictSame(owned, [upper]);
  t.strictSame(plan.sandbox.passable.slice(0, 3), ["/run/peapod", "/run/peapod/pods", POD]);
  t.strictSame(aPlan().sandbox.passable, []);
  t.end();
});
