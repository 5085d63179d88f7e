import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import t from "tap";
import { exampleNames, makeGoldenPlan } from "../../../scripts/golden.ts";
import { makeConfig } from "../../../src/bundle/make-config.ts";
import type { OciConfig } from "../../../src/bundle/oci-config.ts";
import { aPlan, containerOf, type PlanWords, type PodWords } from "../../support/planning.ts";

const schema = JSON.parse(readFileSync(new URL("../../../schemas/oci-config.schema.json", import.meta.url), "utf8"));
const isOciConfig = new Ajv2020({ allErrors: true, strict: true }).compile(schema);

function configOf(words: PodWords = {}, more: PlanWords = {}, name = "web"): OciConfig {
  const plan = aPlan(words, more);
  return makeConfig(plan, containerOf(plan, name));
}

function mountOf(config: OciConfig, destination: string) {
  return config.mounts.find((mount) => mount.destination === destination);
}

const RICH: PodWords = {
  annotations: { "peapod/share": "+pid,user,cgroup,time" },
  spec: { volumes: [{ name: "v", emptyDir: {} }] },
  containers: {
    web: {
      resources: { limits: { cpu: "500m", memory: "32Mi" } },
      securityContext: { runAsUser: 1000, readOnlyRootFilesystem: true, capabilities: { add: ["SYS_ADMIN"] } },
      volumeMounts: [{ name: "v", mountPath: "/data" }],
    },
  },
};

t.test("every config passes our schema", (t) => {
  const privileged = { containers: { web: { securityContext: { privileged: true } } } };
  const device = { path: "/dev/fuse", type: "c", major: 10, minor: 229, fileMode: 0o666, uid: 0, gid: 0 } as const;
  const withDevice = {
    spec: { volumes: [{ name: "fuse", hostPath: { path: "/dev/fuse", type: "CharDevice" } }] },
    containers: { web: { volumeMounts: [{ name: "fuse", mountPath: "/dev/fuse" }] } },
  };
  const configs: [string, OciConfig][] = [
    ["plain", configOf()],
    ["rich", configOf(RICH)],
    ["its first process", configOf(RICH, {}, "_pause")],
    ["privileged", configOf(privileged, { facts: { devices: [device] } })],
    ["with a device", configOf(withDevice, { devices: [device] })],
    ["systemd", configOf({}, { driver: "systemd" })],
    ["arm64", configOf({}, { facts: { arch: "arm64" } })],
    ["no seccomp", configOf({}, { facts: { hasSeccomp: false } })],
    ["host everything", configOf({ spec: { hostNetwork: true, hostPID: true, hostIPC: true } })],
  ];
  for (const example of exampleNames()) {
    const plan = makeGoldenPlan(example);
    for (const container of plan.containers)
      configs.push([`${example} ${container.name}`, makeConfig(plan, container)]);
  }
  for (const [name, config] of configs) {
    t.ok(isOciConfig(JSON.parse(JSON.stringify(config))), name, { errors: isOciConfig.errors });
  }
  t.end();
});

t.test("mounts are passed on or heard of through the root, where a volume asks for it", (t) => {
  const propagation = (mountPropagation: string) => {
    const web = {
      volumeMounts: [{ name: "v", mountPath: "/x", mountPropagation }],
      securityContext: { privileged: true },
    };
    const config = configOf({ spec: { volumes: [{ name: "v", emptyDir: {} }] }, containers: { web } });
    t.ok(isOciConfig(JSON.parse(JSON.stringify(config))), mountPropagation, { errors: isOciConfig.errors });
    return config.linux.rootfsPropagation;
  };
  t.equal(propagation("None"), undefined);
  t.equal(propagation("HostToContainer"), "rslave");
  t.equal(propagation("Bidirectional"), "rshared");
  t.end();
});

t.test("the schema refuses what we never write", (t) => {
  const config = JSON.parse(JSON.stringify(configOf()));
  const wrong: [string, unknown][] = [
    ["a hook", { ...config, hooks: {} }],
    [
      "an inheritable capability",
      { ...config, process: { ...config.process, capabilities: { ...config.process.capabilities, inheritable: [] } } },
    ],
    ["a relative root", { ...config, root: { path: "rootfs", readonly: true } }],
    ["no mount namespace", { ...config, linux: { ...config.linux, namespaces: [{ type: "pid" }] } }],
    [
      "a joined mount namespace",
      { ...config, linux: { ...config.linux, namespaces: [{ type: "mount", path: "/x" }] } },
    ],
    [
      "one side of a mapping",
      { ...config, linux: { ...config.linux, uidMappings: [{ containerID: 0, hostID: 1, size: 1 }] } },
    ],
  ];
  for (const [name, value] of wrong) t.notOk(isOciConfig(value), name);
  t.end();
});

t.test("a namespace that is the host's is not named, a shared one is a path", (t) => {
  const types = (config: OciConfig) =>
    config.linux.namespaces.map(({ type, path }) => (path === undefined ? type : `${type}=${path.split("/").at(-1)}`));
  t.strictSame(types(configOf()), ["pid", "network=pod-net", "ipc=pod-ipc", "uts=pod-uts", "mount", "cgroup"]);
  t.strictSame(types(configOf({ spec: { hostNetwork: true, hostPID: true, hostIPC: true } })), ["mount", "cgroup"]);
  const lent = {
    containers: ["web", "db"],
    annotations: {
      "peapod/namespaces.web": "net=private,pid=private",
      "peapod/namespaces.db": "net=container:web,pid=container:web",
    },
  };
  t.strictSame(
    types(configOf(lent)).slice(0, 2),
    ["pid", "network=web-net"],
    "its pid comes from the runtime, its net from a file",
  );
  t.strictSame(types(configOf(lent, {}, "db")).slice(0, 2), ["pid=web-pid", "network=web-net"]);
  t.end();
});

t.test("runc's rules for a host name: only with a uts namespace that it makes", (t) => {
  t.equal(configOf().hostname, undefined, "the pod's has its name already");
  t.equal(configOf({ annotations: { "peapod/share": "none" } }).hostname, "shop");
  t.equal(configOf({ spec: { hostNetwork: true } }).hostname, undefined);
  t.end();
});

t.test("keys stand in one order whatever the manifest's", (t) => {
  t.strictSame(Object.keys(configOf()), ["ociVersion", "process", "root", "mounts", "annotations", "linux"]);
  t.strictSame(Object.keys(configOf(RICH).linux), [
    "cgroupsPath",
    "resources",
    "namespaces",
    "uidMappings",
    "gidMappings",
    "maskedPaths",
    "readonlyPaths",
    "seccomp",
  ]);
  t.end();
});

t.test("/proc, /sys and cgroups are closed by default and open where privileged", (t) => {
  const plain = configOf();
  t.ok(mountOf(plain, "/sys")?.options.includes("ro"));
  t.ok(mountOf(plain, "/sys/fs/cgroup")?.options.includes("ro"));
  t.ok(plain.linux.maskedPaths.includes("/proc/kcore"));
  t.ok(plain.linux.readonlyPaths.includes("/proc/sys"));
  t.strictSame(plain.linux.resources.devices, [{ allow: false, access: "rwm" }]);
  const open = configOf({ containers: { web: { securityContext: { privileged: true } } } });
  t.ok(mountOf(open, "/sys")?.options.includes("rw"));
  t.strictSame([open.linux.maskedPaths, open.linux.readonlyPaths, open.linux.seccomp], [[], [], undefined]);
  t.strictSame(open.linux.resources.devices, [{ allow: true, access: "rwm" }]);
  t.end();
});

t.test("in a user namespace what only the host's root may mount is bound or left out", (t) => {
  const words = { annotations: { "peapod/namespaces.web": "user=private,net=host,ipc=host,uts=host,pid=host" } };
  const config = configOf(words);
  t.match(mountOf(config, "/sys"), {
    type: "bind",
    source: "/sys",
    options: ["rbind", "rprivate", "nosuid", "noexec", "nodev", "ro"],
  });
  t.match(mountOf(config, "/proc"), { type: "bind", source: "/proc" });
  t.equal(mountOf(config, "/dev/mqueue"), undefined);
  const own = configOf({
    annotations: { "peapod/namespaces.web": "user=private,net=private,ipc=private,uts=private" },
  });
  t.strictSame(
    ["/proc", "/sys", "/dev/mqueue"].map((path) => mountOf(own, path)?.type),
    ["proc", "sysfs", "mqueue"],
  );
  t.end();
});

t.test("a user's mount takes the place of the profile's", (t) => {
  const config = configOf({
    spec: { volumes: [{ name: "dev", hostPath: { path: "/dev" } }] },
    containers: { web: { volumeMounts: [{ name: "dev", mountPath: "/dev" }] } },
  });
  t.equal(config.mounts.filter((mount) => mount.destination === "/dev").length, 1);
  t.match(config.mounts[1], { destination: "/dev", type: "bind", source: "/dev" });
  t.end();
});

t.test("with systemd the cgroup is slice:prefix:name", (t) => {
  t.equal(configOf({ name: "a-b" }, { driver: "systemd" }).linux.cgroupsPath, "peapod-a_b.slice:peapod-a_b:web");
  t.end();
});

t.test("an init container and a sidecar have every mount that a main container has", (t) => {
  const run = { image: "rootfs:/busybox", command: ["/bin/true"] };
  const spec = {
    initContainers: [
      { name: "init", ...run },
      { name: "side", ...run, restartPolicy: "Always" },
    ],
  };
  const mountsOf = (name: string) => configOf({ spec }, {}, name).mounts.map((mount) => mount.destination);
  t.ok(mountsOf("web").includes("/sys/fs/cgroup"));
  t.strictSame(mountsOf("init"), mountsOf("web"));
  t.strictSame(mountsOf("side"), mountsOf("web"));
  t.end();
});

t.test("the pod's first process has no capability, a read-only root and nothing of the pod's", (t) => {
  const pause = configOf({ annotations: { "peapod/share": "+pid" } }, {}, "_pause");
  t.strictSame(pause.process.args, ["/pause", "pause"]);
  t.strictSame(pause.process.capabilities.bounding, []);
  t.equal(pause.process.noNewPrivileges, true);
  t.equal(pause.root.readonly, true);
  t.strictSame(
    pause.mounts.map((mount) => mount.destination),
    ["/proc", "/dev", "/pause"],
  );
  t.end();
});
