// A pod inside the container that a caller of runc asked for, seen with the caller's eyes.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { killIfThere, listIfAny } from "../support/if-any.ts";
import { childrenOf, ioOf, reaperOf, supervisorOf } from "../support/own-processes.ts";
import { type PeapodHost, type Test, testWithPeapod } from "../support/peapod-host.ts";
import { type Member, PodBundle } from "../support/pod-bundle.ts";
import { SLOWNESS } from "../support/slowness.ts";
import { readTraces } from "../support/traces.ts";
import { waitUntil } from "../support/wait-until.ts";

const isUnified = existsSync("/sys/fs/cgroup/cgroup.controllers");
/** Why members cannot have limits on version 2. */
const withoutControllers =
  isUnified && readFileSync("/sys/fs/cgroup/cgroup.controllers", "utf8").includes("memory")
    ? false
    : "needs cgroup v2 with controllers";
const STAY = "trap 'exit 5' TERM; while :; do sleep 0.1; done";

function testWithBundle(
  sentence: string,
  body: (t: Test, bundle: PodBundle, host: PeapodHost) => Promise<void>,
  options: { readonly skip?: string | false } = {},
): void {
  const withBundle = async (t: Test, host: PeapodHost) => {
    const bundle = new PodBundle(host, "p1");
    const before = bundle.config;
    try {
      await body(t, bundle, host);
    } finally {
      await bundle.end();
      rmSync(join(host.root, "sandboxes"), { recursive: true, force: true });
      t.ok(before, "there was a bundle");
    }
  };
  testWithPeapod(sentence, withBundle, options);
}

const names = (members: readonly Member[]) => members.map(({ name }) => name);

testWithBundle("members reach each other, share the host name, and end with the pod's result", async (t, bundle) => {
  bundle.withPod([
    { name: "web", run: "mkdir /www; echo page >/www/index.html; httpd -p 8080 -h /www; sleep 1; hostname; exit 3" },
    { name: "client", run: "until wget -qO- http://localhost:8080/index.html; do usleep 10000; done; hostname" },
  ]);
  const { code, out, err } = await bundle.run();
  t.equal(code, 3, err);
  const lines = out.trim().split("\n").sort();
  t.same(lines, ["client | page", "client | runc", "web | runc"], "each line with its member's name");
  t.equal(await bundle.status(), undefined, "run takes everything away");
});

testWithBundle("names are the caller's, and what he mounts no files for is the pod's", async (t, bundle, host) => {
  const spec = {
    hostname: "other",
    hostAliases: [{ ip: "192.0.2.7", hostnames: ["db"] }],
    dnsPolicy: "None",
    dnsConfig: { nameservers: ["192.0.2.53"] },
  };
  bundle.withPod(
    [{ name: "only", run: "cat /etc/hosts /etc/resolv.conf /etc/hostname; echo $HOSTNAME; hostname" }],
    spec,
  );
  const { out, err } = await bundle.run();
  t.match(out, /^127\.0\.0\.1\trunc\n\n.*\n192\.0\.2\.7\tdb\nnameserver 192\.0\.2\.53\nrunc\nrunc\nrunc\n$/m, err);

  const file = join(host.dir, "callers-hosts");
  writeFileSync(file, "192.0.2.9 callers\n");
  bundle.configure((config) => {
    config.mounts.push({ destination: "/etc/hosts", type: "bind", source: file, options: ["rbind", "ro"] });
  });
  const refused = await bundle.run();
  t.not(refused.code, 0);
  t.match(
    refused.err,
    /pod: its hosts file is its container's \(.*spec\.hostAliases\); .*docker run --add-host db:192\.0\.2\.7/,
  );
});

testWithBundle("ports and networks of the manifest are not heeded: those are the caller's", async (t, bundle, host) => {
  const ports = [{ containerPort: 80, hostPort: 80 }];
  bundle.withPod([{ name: "web", run: "echo up", ports }], {}, undefined, {
    "peapod/networks": "nosuch",
    "peapod/publish": "81:80",
  });
  t.match(await bundle.run(), { code: 0, out: "up\n" });
  const taken = readTraces(host.root).filter((trace) => /^(port|attachment)/.test(trace));
  t.same(taken, [], "no port was taken, no network asked");
});

testWithBundle("the only member has the caller's own standard streams", async (t, bundle) => {
  bundle.withPod([{ name: "only", run: "cat; echo '| no prefix'; echo err >&2; readlink /proc/self/fd/0; exit 9" }]);
  const { ended } = bundle.start(["run", "--bundle", bundle.dir, bundle.id], "from the caller\n");
  t.match(await ended, { code: 9, out: /^from the caller\n\| no prefix\n(pipe|socket):/, err: "err\n" });
});

testWithBundle(
  "members do not see each other's files and processes, and write to the caller's layer",
  async (t, bundle) => {
    bundle.withPod([
      { name: "a", run: "touch /mine; ps | grep -c '[s]leep 77'; sleep 0.4" },
      { name: "b", run: "sleep 0.2; ls /mine; sleep 77 & sleep 0.1" },
    ]);
    const { out, err } = await bundle.run();
    t.match(out, /^a \| 0$/m);
    t.match(err, /b \| ls: \/mine: No such file/);
    t.ok(existsSync(join(bundle.rootfs, "containers/a/mine")));
  },
);

testWithBundle("two members of one directory have a layer of their own each", async (t, bundle) => {
  bundle.addRootfs("app");
  const image = "rootfs:/containers/app";
  bundle.withPod([
    { name: "a", image, run: "touch /mine; sleep 0.3" },
    { name: "b", image, run: "sleep 0.1; ls /mine" },
  ]);
  t.match((await bundle.run()).err, /b \| ls: \/mine: No such file/);
  t.notOk(existsSync(join(bundle.rootfs, "containers/app/mine")));
});

testWithBundle(
  "what the caller prepared is in every member: mounts, environment, user, limits, privileges",
  async (t, bundle, host) => {
    const volume = join(host.dir, "volume");
    mkdirSync(volume);
    writeFileSync(join(volume, "note"), "from a volume\n");
    bundle.configure((config) => {
      config.mounts.push({ destination: "/data", type: "bind", source: volume, options: ["rbind", "rw"] });
      config.process.env.push("COLOUR=blue", "TASTE=sweet");
      config.process.rlimits = [{ type: "RLIMIT_NOFILE", soft: 77, hard: 88 }];
      config.process.capabilities = {
        bounding: ["CAP_KILL", "CAP_CHOWN"],
        effective: ["CAP_KILL"],
        permitted: ["CAP_KILL"],
      };
      config.process.noNewPrivileges = true;
      config.process.user = { uid: 1234, gid: 55, additionalGids: [66] };
    });
    const look = "cat /data/note; echo $COLOUR $TASTE; ulimit -n; id; grep -E 'CapBnd|NoNewPrivs' /proc/self/status";
    bundle.withPod([
      { name: "a", run: look, env: [{ name: "TASTE", value: "sour" }] },
      {
        name: "b",
        run: "id -u; grep CapBnd /proc/self/status",
        securityContext: { runAsUser: 7, capabilities: { drop: ["KILL"] } },
      },
    ]);
    const { out, err } = await bundle.run();
    t.equal(err, "");
    for (const line of [
      "from a volume",
      "blue sour",
      "77",
      "uid=1234 gid=55 groups=66",
      "CapBnd:\t0000000000000021",
      "NoNewPrivs:\t1",
    ]) {
      t.match(out, `a | ${line}\n`, line);
    }
    t.match(out, "b | 7\n");
    t.match(out, "b | CapBnd:\t0000000000000001\n");
  },
);

testWithBundle("privileges that the caller did not give are refused, with the manifest's line", async (t, bundle) => {
  for (const [securityContext, said] of [
    [
      { capabilities: { add: ["NET_ADMIN"] } },
      /container a: capability NET_ADMIN is not its pod's container's \(\/etc\/peapod\/pod.yaml:\d+ /,
    ],
    [{ privileged: true }, /container a: its pod's container is not privileged \(\/etc\/peapod\/pod.yaml:\d+ /],
    [
      { seccompProfile: { type: "Localhost", localhostProfile: "a.json" } },
      /container a: its seccomp filter is its pod's container's, not Localhost \(\/etc\/peapod\/pod.yaml:\d+ .*docker run/s,
    ],
    [{ procMount: "Unmasked" }, /container a: what is hidden in \/proc is its pod's container's to say/],
    [{ runAsNonRoot: true }, /container a: would run as root .*which runAsNonRoot forbids/],
  ] as const) {
    bundle.withPod([{ name: "a", securityContext }]);
    t.match(await bundle.run(), { code: 1, err: said });
    t.equal(await bundle.status(), undefined, "nothing stays");
  }
});

const DEVICE = "/dev/loop-control";
const DEVICE_VOLUME = { name: "d", hostPath: { path: DEVICE, type: "CharDevice" } };

testWithBundle("what is the pod's and the caller's to give is refused, too", async (t, bundle) => {
  const sysctls = [{ name: "net.ipv4.ip_default_ttl", value: "9" }];
  for (const [spec, said] of [
    [{ hostUsers: false }, /pod: a user namespace is the caller's to make/],
    [{ securityContext: { sysctls } }, /sysctl net\.ipv4\.ip_default_ttl: .*docker run --sysctl/s],
    [{ volumes: [DEVICE_VOLUME] }, /volume d: its pod's container does not have that device .*docker run --device/s],
  ] as const) {
    bundle.withPod([{ name: "a" }], spec);
    t.match(await bundle.run(), { code: 1, err: said });
  }
});

testWithBundle("a device that the caller mounts and allows is a member's volume", async (t, bundle) => {
  bundle.configure((config) => {
    config.mounts.push({ destination: DEVICE, type: "bind", source: DEVICE, options: ["bind"] });
    config.linux.resources.devices.push({ allow: true, type: "c", major: 10, minor: 237, access: "rwm" });
  });
  const volumeMounts = [{ name: "d", mountPath: "/d" }];
  bundle.withPod([{ name: "a", run: ": <>/d && echo opened", volumeMounts }], { volumes: [DEVICE_VOLUME] });
  t.match(await bundle.run(), { code: 0, out: "opened\n" });
});

testWithBundle("a member may have less than its caller gave: a filter, no escalation, a user", async (t, bundle) => {
  bundle.configure((config) => {
    delete config.linux.seccomp;
    config.process.noNewPrivileges = false;
  });
  const look = "id; grep -E 'NoNewPrivs|Seccomp:' /proc/self/status";
  const seccompProfile = { type: "RuntimeDefault" };
  bundle.withPod(
    [
      { name: "closed", run: look, securityContext: { seccompProfile, allowPrivilegeEscalation: false } },
      { name: "open", run: look, securityContext: { runAsUser: 0 } },
    ],
    { securityContext: { runAsUser: 5, supplementalGroups: [77] } },
  );
  const { out, err } = await bundle.run();
  t.equal(err, "");
  for (const line of [
    "closed | uid=5 gid=0\\(root\\) groups=0\\(root\\),77",
    "closed | NoNewPrivs:\t1",
    "closed | Seccomp:\t2",
    "open | uid=0\\(root\\)",
    "open | NoNewPrivs:\t0",
    "open | Seccomp:\t0",
  ])
    t.match(out, new RegExp(line.replace("|", "\\|")), line);
});

testWithBundle("a manifest's paths are the container's, and no link in it leads out", async (t, bundle, host) => {
  writeFileSync(join(host.dir, "secret"), "the host's\n");
  mkdirSync(join(bundle.rootfs, "srv"));
  bundle.addFile("/srv/note", "the pod's\n");
  symlinkSync("/srv", join(bundle.rootfs, "link"));
  symlinkSync(`${"../".repeat(12)}${host.dir}/secret`, join(bundle.rootfs, "srv/out"));
  const volumes = [{ name: "v", hostPath: { path: "/link" } }];
  bundle.withPod([{ name: "a", run: "cat /v/note; cat /v/out", volumeMounts: [{ name: "v", mountPath: "/v" }] }], {
    volumes,
  });
  const { out, err } = await bundle.run();
  t.equal(out, "the pod's\n");
  t.match(err, /No such file/);
  const leading = [{ name: "v", hostPath: { path: "/srv/out", type: "File" } }];
  bundle.withPod([{ name: "a", volumeMounts: [{ name: "v", mountPath: "/v" }] }], { volumes: leading });
  t.match(await bundle.run(), { code: 1, err: /volume v: / });
  bundle.withPod([{ name: "a", image: "rootfs:/containers/../../../../../../../bin" }]);
  t.match(await bundle.run(), { code: 1, err: /does not exist/ }, "neither do dots");
});

testWithBundle("another manifest, or none, is named by environment or annotation", async (t, bundle) => {
  bundle
    .withPod([{ name: "usual", run: "echo usual" }])
    .withPod([{ name: "other", run: "echo other" }], {}, "/conf/other.yaml");
  t.match(await bundle.run(), { out: "usual\n" });
  bundle.configure((config) => config.process.env.push("PEAPOD_MANIFEST=/conf/other.yaml"));
  t.match(await bundle.run(), { out: "other\n" });
  bundle.configure((config) => {
    config.process.env.pop();
    config.annotations = { "peapod/manifest": "/nowhere.yaml" };
  });
  t.match(await bundle.run(), { code: 1, err: /container p1: its pod manifest \/nowhere.yaml is not in it"/ });
  bundle.configure((config) => {
    config.annotations = { "peapod/manifest": "none" };
    config.process.args = ["/containers/usual/bin/busybox", "echo", "ordinary"];
  });
  t.match(await bundle.run(), { err: "", code: 0, out: "ordinary\n" });
});

testWithBundle(
  "a bad manifest, or a program that is not there, fails the create and gives the bundle back",
  async (t, bundle) => {
    bundle.withPod([{ name: "a" }]);
    const before = readFileSync(join(bundle.dir, "config.json"), "utf8");
    bundle.addFile("/etc/peapod/pod.yaml", "kind: Pod\napiVersion: v1\nmetadata: {name: a}\nspec: {contaners: []}\n");
    t.match(await bundle.oci("create", "--bundle", bundle.dir, "p1"), {
      code: 1,
      err: /\/etc\/peapod\/pod.yaml:4:\d+ spec.contaners: unknown field/,
    });
    bundle.withPod([{ name: "a" }, { name: "b", run: ["/no/such"] }]);
    const log = join(bundle.dir, "log.json");
    const failed = await bundle.oci("--log", log, "--log-format", "json", "create", "--bundle", bundle.dir, "p1");
    t.match(failed, { code: 1, err: /container b: command "\/no\/such" not found/ });
    const last = readFileSync(log, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line))
      .findLast((line) => line.level === "error");
    t.match(last.msg, /command "\/no\/such" not found/, "containerd shows the last error of the log");
    t.equal(readFileSync(join(bundle.dir, "config.json"), "utf8"), before);
    t.equal(await bundle.status(), undefined);
  },
);

testWithBundle("create makes, start starts, signals reach all members, delete takes away", async (t, bundle, host) => {
  bundle.withPod([
    { name: "a", run: STAY },
    { name: "b", run: "trap 'exit 6' USR1; while :; do sleep 0.1; done" },
  ]);
  await bundle.must("create", "--bundle", bundle.dir, "--pid-file", join(bundle.dir, "pid"), "p1");
  t.equal(Number(readFileSync(join(bundle.dir, "pid"), "utf8")), await bundle.pid(), "the caller's own process");
  t.equal(await bundle.status(), "created");
  t.match(await host.state({ name: "p1", file: "" }), { status: "created" });
  await bundle.must("start", "p1");
  t.match(await host.state({ name: "p1", file: "" }), { status: "running" });
  t.match(await bundle.oci("delete", "p1"), {
    code: 1,
    err: /cannot delete container p1 that is not stopped: running/,
  });
  await bundle.must("kill", "p1", "USR1");
  await waitUntil(
    "b ended",
    async () => (await host.state({ name: "p1", file: "" })).containers[1]?.status === "exited",
  );
  t.equal(await bundle.status(), "running", "one lives on");
  t.match(await bundle.oci("kill", "p1", "NOSUCH"), { code: 1, err: /unknown signal/ });
  await bundle.must("kill", "p1", "15");
  await waitUntil("its container ended", async () => (await bundle.status()) === "stopped");
  t.match(await bundle.oci("kill", "p1", "15"), { code: 1 }, "as runc has it");
  await bundle.must("delete", "p1");
  t.equal(await bundle.status(), undefined);
});

testWithBundle("exec goes into the first member, or into the one that the environment names", async (t, bundle) => {
  const members = [
    { name: "first", run: STAY },
    { name: "second", run: STAY },
  ];
  bundle.withPod(members);
  for (const name of names(members)) bundle.addFile(`/containers/${name}/who`, name);
  await bundle.up();
  t.equal(await bundle.must("exec", "p1", "cat", "/who"), "first");
  t.equal(await bundle.must("exec", "--env", "PEAPOD_CONTAINER=second", "p1", "cat", "/who"), "second");
  const process = { ...bundle.config.process, args: ["/bin/sh", "-c", "cat /who; exit 4"], cwd: "/" };
  const file = join(bundle.dir, "process.json");
  writeFileSync(file, JSON.stringify({ ...process, env: ["PATH=/bin", "PEAPOD_CONTAINER=second"] }));
  t.match(await bundle.oci("exec", "--process", file, "p1"), { code: 4, out: "second" });
  t.match(await bundle.oci("exec", "-e", "PEAPOD_CONTAINER=third", "p1", "id"), {
    code: 255,
    err: /has no member third/,
  });
});

testWithBundle("pause stops all, ps shows all, update holds for all", async (t, bundle) => {
  const count = "i=0; while :; do i=$((i+1)); echo $i >/n; done";
  bundle.withPod([
    { name: "a", run: count },
    { name: "b", run: count },
  ]);
  await bundle.up();
  const numbers = () => ["a", "b"].map((name) => readFileSync(join(bundle.rootfs, "containers", name, "n"), "utf8"));
  await waitUntil("both count", () =>
    ["a", "b"].every((name) => existsSync(join(bundle.rootfs, "containers", name, "n"))),
  );
  await bundle.must("pause", "p1");
  const frozen = numbers();
  await new Promise((resolve) => setTimeout(resolve, 50));
  t.same(numbers(), frozen);
  await bundle.must("resume", "p1");
  await waitUntil("they go on", () => numbers().every((number, index) => number !== frozen[index] && number !== ""));
  t.equal(
    (JSON.parse(await bundle.must("ps", "--format", "json", "p1")) as number[]).length,
    3,
    "sandbox and two members",
  );
  await bundle.must("update", "--memory", "50000000", "p1");
  const path = isUnified
    ? `/sys/fs/cgroup${bundle.config.linux.cgroupsPath}/memory.max`
    : `/sys/fs/cgroup/memory${bundle.config.linux.cgroupsPath}/memory.limit_in_bytes`;
  t.equal(Number(readFileSync(path, "utf8")), 49_999_872, "on the cgroup above the members'");
});

testWithBundle(
  "on cgroup v2 the caller's process stays where he looks for it, unless members have limits",
  async (t, bundle) => {
    const cgroupOf = (pid: number) => /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, "utf8"))?.[1] ?? "";
    const callers = bundle.config.linux.cgroupsPath;
    bundle.withPod([
      { name: "a", run: STAY },
      { name: "b", run: STAY },
    ]);
    await bundle.up();
    t.equal(cgroupOf(await bundle.pid()), callers);
    t.notOk(existsSync(`/sys/fs/cgroup${callers}/.peapod`), "and what helped to make them is gone");
    await bundle.must("delete", "--force", "p1");

    const limits = { resources: { limits: { memory: "32Mi" } } };
    bundle.withPod([
      { name: "a", run: STAY, ...limits },
      { name: "b", run: STAY },
    ]);
    await bundle.up();
    t.equal(cgroupOf(await bundle.pid()), `${callers}/.peapod`);
    t.equal(readFileSync(`/sys/fs/cgroup${callers}/a/memory.max`, "utf8"), "33554432\n");
    await bundle.must("pause", "p1");
    t.match((await bundle.oci("exec", "p1", "true")).err, /paused/);
    await bundle.must("resume", "p1");
    t.equal((await bundle.oci("exec", "p1", "true")).code, 0);
  },
  { skip: withoutControllers },
);

testWithBundle("whoever is killed, the caller is told the truth and nothing stays", async (t, bundle, host) => {
  const pod = { name: "p1", file: "" };
  const round = async (what: string, kill: () => Promise<void> | void, expected: number | undefined) => {
    bundle.withPod([
      { name: "a", run: STAY },
      { name: "b", run: STAY },
    ]);
    const { ended } = bundle.start(["run", "--bundle", bundle.dir, "p1"]);
    await waitUntil(
      "it runs",
      // Between its directory and its plan there is nothing to be asked yet.
      async () => (await host.state(pod).catch(() => undefined))?.status === "running",
    );
    await kill();
    const { code } = await ended;
    if (expected !== undefined) t.equal(code, expected, what);
    t.equal(await bundle.status(), undefined, `${what}: nothing stays`);
    t.notOk(existsSync(join(host.root, "pods")), what);
  };
  const stop = async () => void (await bundle.must("kill", "p1", "TERM"));
  const member = async (index: number) => (await host.state(pod)).containers[index]?.pid ?? 0;
  await round(
    "a member",
    async () => {
      killIfThere(await member(0));
      await stop();
    },
    137,
  );
  await round(
    "the supervisor",
    async () => {
      await waitUntil("there is one", async () => {
        // It may be asleep by now; who asks for something wakes it.
        if (supervisorOf(host, pod) === undefined) await bundle.must("kill", "p1", "CONT");
        return supervisorOf(host, pod) !== undefined;
      });
      killIfThere(supervisorOf(host, pod) ?? 0);
      await stop();
    },
    5,
  );
  await round(
    "the reaper",
    async () => {
      killIfThere(reaperOf(host, pod) ?? 0);
      await stop();
    },
    5,
  );
  await round(
    "reaper and supervisor",
    async () => {
      const reaper = reaperOf(host, pod) ?? 0;
      for (const pid of [...childrenOf(reaper).filter((one) => one === supervisorOf(host, pod)), reaper])
        killIfThere(pid);
      await stop();
    },
    5,
  );
  await round("the container itself", async () => void killIfThere(await bundle.pid()), 137);
  await round("everybody, by the caller", async () => void (await bundle.must("kill", "p1", "KILL")), 137);
});

testWithBundle(
  "a pod that was created and never started goes with the caller's delete --force",
  async (t, bundle, host) => {
    bundle.withPod([{ name: "a", run: STAY }]);
    await bundle.must("create", "--bundle", bundle.dir, "p1");
    await bundle.must("kill", "p1", "KILL");
    await waitUntil("it is stopped", async () => (await bundle.status()) === "stopped");
    await bundle.must("delete", "--force", "p1");
    t.notOk(existsSync(join(host.root, "pods")));
    t.ok(statSync(bundle.rootfs).isDirectory());
  },
);

testWithBundle(
  "a create that is killed between its steps leaves nothing once the caller deletes",
  async (t, bundle, host) => {
    bundle.withPod([{ name: "a", run: STAY }]);
    for (const afterMs of [0, 1, 2, 3, 4, 5, 8, 15, 30, 60, 90, 120]) {
      const { child, ended } = bundle.start(["create", "--bundle", bundle.dir, "p1"]);
      setTimeout(() => child.kill("SIGKILL"), afterMs);
      await ended;
      await bundle.oci("delete", "--force", "p1");
      // Killed right after it had made the directory above all of them, it leaves that to the next one.
      const isGone = () =>
        [...listIfAny(join(host.root, "pods")), ...listIfAny(join(host.root, "sandboxes"))].length === 0;
      await waitUntil("nothing is left", isGone).catch(() => undefined);
      t.ok(isGone(), `killed after ${afterMs} ms`);
    }
    t.match(bundle.config.process.args, ["sh"], "and the bundle can be used again");
  },
);

testWithBundle("a member's last words reach the caller before its end does", async (t, bundle, host) => {
  // Until it is seen to run, and its io stands still.
  const seconds = Math.min(SLOWNESS, 20);
  const members = ["a", "b"].map((name) => ({ name, run: `echo first; sleep ${seconds}; echo last` }));
  bundle.withPod(members);
  const { ended } = bundle.start(["run", "--bundle", bundle.dir, "p1"]);
  const pod = { name: "p1", file: "" };
  await waitUntil("io carries", () => ioOf(host, pod, "a") !== undefined);
  await waitUntil("it runs", async () => (await host.state(pod)).status === "running");
  const io = ioOf(host, pod, "a") ?? 0;
  process.kill(io, "SIGSTOP");
  setTimeout(() => process.kill(io, "SIGCONT"), seconds * 1000 + 800);
  t.match((await ended).out, /^a \| last$/m);
});

testWithBundle(
  "doctor leaves a pod alone whose caller's container runs, and takes away what no caller will",
  async (t, bundle, host) => {
    // A cgroup that is not below ours, as callers have theirs.
    bundle.configure((config) => {
      config.linux.cgroupsPath = `/${basename(host.dir)}`;
    });
    bundle.withPod([{ name: "a", run: STAY }]);
    await bundle.up();
    const pod = { name: "p1", file: "" };
    const lost = join(host.root, "sandboxes/lost");
    mkdirSync(lost);
    const reaper = reaperOf(host, pod) ?? 0;
    for (const pid of [...childrenOf(reaper).filter((one) => one === supervisorOf(host, pod)), reaper])
      killIfThere(pid);
    utimesSync(lost, 0, 0);
    await host.peapod("doctor", "--fix");
    t.notOk(existsSync(lost), "a sandbox without a pod");
    t.equal(await bundle.status(), "running");
    t.equal(await bundle.must("exec", "p1", "echo", "alive"), "alive\n");
  },
);

testWithBundle(
  "of several creates at once one makes the pod, and the others touch nothing of it",
  async (t, bundle) => {
    bundle.withPod([{ name: "a", run: STAY }]);
    const calls = await Promise.all(
      Array.from({ length: 6 }, () => bundle.oci("create", "--bundle", bundle.dir, "p1")),
    );
    t.equal(calls.filter(({ code }) => code === 0).length, 1, JSON.stringify(calls));
    for (const { code, err } of calls)
      if (code !== 0) t.match(err, /another call is making one of|already exists|container with given ID/);
    await bundle.must("start", "p1");
    t.equal(await bundle.must("exec", "p1", "echo", "alive"), "alive\n");
    await bundle.must("kill", "p1", "TERM");
    await waitUntil("it is stopped", async () => (await bundle.status()) === "stopped");
    await bundle.must("delete", "p1");
  },
);

testWithBundle("a create that finds the disk full says so and leaves nothing", async (t, bundle, host) => {
  bundle.withPod([{ name: "a", run: STAY }]);
  mkdirSync(host.root, { recursive: true });
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", host.root]);
  try {
    const filler = join(host.root, "filler");
    let refused = 0;
    for (const leftKiB of [0, 4, 12, 24, 48, 96, 160]) {
      writeFileSync(filler, Buffer.alloc((256 - leftKiB) * 1024));
      const { code, err } = await bundle.oci("create", "--bundle", bundle.dir, "p1");
      if (code !== 0) {
        refused += 1;
        // runc has words of its own where it cannot write its state.
        t.match(err, /no space left|unable to store init state/i, `${leftKiB} KiB left: ${err}`);
      }
      t.equal((await bundle.status()) === undefined, code !== 0, `${leftKiB} KiB left`);
      await bundle.oci("delete", "--force", "p1");
      rmSync(filler);
      const left = () => ["pods", "sandboxes"].filter((name) => existsSync(join(host.root, name)));
      await waitUntil("nothing is left", () => left().length === 0).catch(() => undefined);
      t.same(left(), [], `${leftKiB} KiB left`);
      t.match(bundle.config.process.args, ["sh"], "the bundle is as it was");
    }
    t.ok(refused > 3, `${refused} were refused`);
  } finally {
    execFileSync("umount", ["-l", host.root]);
  }
});

testWithBundle("order and restarts are inside what the caller sees as one container", async (t, bundle) => {
  bundle.addRootfs("early");
  const image = "rootfs:/containers/early";
  const shell = (script: string) => ["/bin/sh", "-c", script];
  bundle.withPod(
    [
      {
        name: "web",
        run: "echo run >>/v/runs; n=$(wc -l </v/runs); echo web $n; [ $n -gt 2 ] && exit 4; exit 9",
        restartPolicyRules: [{ action: "Restart", exitCodes: { operator: "In", values: [9] } }],
        restartPolicy: "Never",
        volumeMounts: [{ name: "v", mountPath: "/v" }],
      },
    ],
    {
      volumes: [{ name: "v", emptyDir: {} }],
      initContainers: [
        { name: "first", image, command: shell("echo first") },
        {
          name: "proxy",
          image,
          restartPolicy: "Always",
          command: shell("echo proxy; trap 'echo bye; exit 0' TERM; while :; do sleep 0.05; done"),
        },
      ],
    },
    "/etc/peapod/pod.yaml",
    { "peapod/backOff": "initial=0.1" },
  );
  const { code, out, err } = await bundle.run();
  t.equal(code, 4, err);
  t.same(
    out.trim().split("\n").sort(),
    ["first | first", "proxy | bye", "proxy | proxy", "web   | web 1", "web   | web 2", "web   | web 3"].map((line) =>
      line.replace(/ +\|/, " |"),
    ),
  );
  t.ok(out.indexOf("first") < out.indexOf("proxy |") && out.indexOf("proxy |") < out.indexOf("web |"), out);
});

testWithBundle("the caller's stop ends the pod in order, and nobody is started again", async (t, bundle, host) => {
  const stay = (name: string) => `trap 'echo ${name} ends; exit 0' TERM; while :; do sleep 0.05; done`;
  bundle.withPod([{ name: "web", run: stay("web") }], {
    restartPolicy: "Always",
    initContainers: [
      {
        name: "proxy",
        image: "rootfs:/containers/web",
        restartPolicy: "Always",
        command: ["/bin/sh", "-c", stay("proxy")],
      },
    ],
  });
  const { ended } = bundle.start(["run", "--bundle", bundle.dir, "p1"]);
  const pod = { name: "p1", file: "" };
  await waitUntil(
    "it runs",
    async () => existsSync(join(host.root, "pods/p1")) && (await host.state(pod)).status === "running",
  );
  await waitUntil("web runs", async () =>
    (await host.state(pod)).containers.every(({ status }) => status === "running"),
  );
  await bundle.must("kill", "p1", "TERM");
  const { code, out } = await ended;
  t.equal(code, 0);
  t.same(out.trim().split("\n"), ["web | web ends", "proxy | proxy ends"]);
});

testWithBundle("the caller's SIGKILL ends what would always come back", async (t, bundle, host) => {
  bundle.withPod([{ name: "web", run: "exit 1" }], { restartPolicy: "Always" });
  await bundle.up();
  await waitUntil(
    "it waits",
    async () => (await host.shown({ name: "p1", file: "" })).containers[0]?.restartCount === 1,
  );
  await bundle.must("kill", "p1", "KILL");
  await waitUntil("it is stopped", async () => (await bundle.status()) === "stopped");
  await bundle.must("delete", "p1");
  t.notOk(existsSync(join(host.root, "pods")));
});

testWithBundle("the caller's health check is the pod's readiness", async (t, bundle) => {
  const probe = { exec: { command: ["test", "-e", "/up"] }, periodSeconds: 1, timeoutSeconds: 50, failureThreshold: 1 };
  bundle.withPod([{ name: "web", run: STAY, readinessProbe: probe }]);
  await bundle.up();
  const asks: readonly string[][] = [["peapod-ready"], ["--process", join(bundle.dir, "check.json")]];
  writeFileSync(
    join(bundle.dir, "check.json"),
    JSON.stringify({ ...bundle.config.process, args: ["/bin/sh", "-c", "peapod-ready"] }),
  );
  const check = (words: readonly string[]) =>
    words[0] === "--process" ? bundle.oci("exec", ...words, "p1") : bundle.oci("exec", "p1", ...words);
  await waitUntil("it was found wanting", async () => /exit status 1/.test((await check(["peapod-ready"])).out));
  for (const words of asks) t.match(await check(words), { code: 1, out: /^not ready: web \(exit status 1/ });
  await bundle.must("exec", "p1", "touch", "/up");
  await waitUntil("it is ready", async () => (await check(["peapod-ready"])).code === 0);
  for (const words of asks) t.match(await check(words), { code: 0, out: "ready\n" });
  await bundle.must("kill", "p1", "KILL");
});
