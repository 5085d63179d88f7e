// An ordinary user's pods are pods like root's: one logical host, no exit or line lost, nothing left behind.

import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { testAsUser, UserHost } from "../support/a-user.ts";
import { killIfThere, readIfAny } from "../support/if-any.ts";
import { reaperOf, supervisorOf } from "../support/own-processes.ts";
import { PeapodHost } from "../support/peapod-host.ts";
import { exampleRootfs } from "../support/rootfs.ts";
import { waitUntil } from "../support/wait-until.ts";

const EXAMPLE = fileURLToPath(new URL("../../bundles/examples/logical-host/pod.yaml", import.meta.url));

testAsUser("the example pod is one logical host for a user, too", async (t, host) => {
  const dir = join(host.dir, "example");
  host.run("mkdir", dir);
  exampleRootfs(join(host.dir, "theirs"));
  execFileSync("cp", ["-rH", join(host.dir, "theirs"), join(dir, "rootfs")]);
  execFileSync("chown", ["-R", `${host.uid}:${host.uid}`, dir]);
  cpSync(EXAMPLE, join(dir, "pod.yaml"));
  const ended = await host.peapod("run", join(dir, "pod.yaml"));
  t.equal(ended.code, 0, ended.err);
  t.equal(ended.out.match(/ok: /g)?.length, 15, ended.out);
  t.notMatch(ended.out, "not ok:");
});

testAsUser("exec, logs, ps, stop and exit codes are as for root", async (t, host) => {
  const pod = host.aPod({
    containers: [
      { name: "web", run: "echo hello; trap 'exit 5' TERM; while :; do sleep 0.05; done" },
      { name: "job", run: "echo from the job; exit 7" },
    ],
  });
  await host.must("run", "-d", pod.file);
  t.equal(await host.must("exec", "-c", "web", pod.name, "--", "id", "-u"), "0\n");
  t.equal((await host.peapod("exec", "-c", "web", pod.name, "--", "sh", "-c", "exit 3")).code, 3);
  await waitUntil("the job has ended", async () => (await host.state(pod)).containers[1]?.exit !== undefined);
  t.match(await host.must("logs", pod.name), "job | from the job");
  t.match(await host.must("ps", pod.name), /web +\d+ .*sleep|web +\d+ /);
  await host.must("stop", pod.name);
  const { containers } = await host.state(pod);
  t.match(containers[0]?.exit, { kind: "exited", code: 5 });
  t.match(containers[1]?.exit, { kind: "exited", code: 7 });
  t.equal((await host.peapod("wait", pod.name)).out.trim().length > 0, true);
  await host.must("delete", pod.name);
  await host.noLeftovers(t);
});

testAsUser("root in the pod is the user outside, and nobody else of the machine", async (t, host) => {
  const pod = host.aPod({ containers: [{ name: "web" }] });
  await host.must("run", "-d", pod.file);
  const pid = (await host.state(pod)).containers[0]?.pid ?? 0;
  t.match(readFileSync(`/proc/${pid}/status`, "utf8"), new RegExp(`^Uid:\\t${host.uid}\\t${host.uid}\\t`, "m"));
  t.not(readlinkSync(`/proc/${pid}/ns/user`), readlinkSync("/proc/self/ns/user"));
  t.not(readlinkSync(`/proc/${pid}/ns/net`), readlinkSync("/proc/self/ns/net"));
  t.ok(host.mounts().length > 0, "its mounts are seen in the user's namespace");
  t.notMatch(readFileSync("/proc/self/mountinfo", "utf8"), host.root, "and nowhere else");
  t.match(await host.must("ns", pod.name), /web +pod +pod +pod/);
});

testAsUser("what lives in a shared pid namespace ends with its container, without a cgroup", async (t, host) => {
  const pod = host.aPod({
    containers: [
      { name: "stays", run: "exec sleep 4242" },
      { name: "leaves", run: "(sleep 5353 &); touch /tmp/begun; while [ ! -e /tmp/end ]; do sleep 0.05; done" },
    ],
    spec: { shareProcessNamespace: true },
  });
  await host.must("run", "-d", pod.file);
  const sleeps = (seconds: string) =>
    host.pids().filter((pid) => readIfAny(`/proc/${pid}/cmdline`).includes(`sleep\0${seconds}`));
  await waitUntil("the stray sleeps", () => sleeps("5353").length === 1);
  // It may be taken along by the very end that it brings.
  await host.peapod("exec", "-c", "leaves", pod.name, "--", "touch", "/tmp/end");
  await waitUntil("the stray has ended", () => sleeps("5353").length === 0);
  t.equal(sleeps("4242").length, 1, "the other container's process lives on");
  await host.must("delete", "--force", pod.name);
  await host.noLeftovers(t);
});

testAsUser("a supervisor that is killed is followed by another, and the exit is known", async (t, host) => {
  const pod = host.aPod({ containers: [{ name: "web", run: "while [ ! -e /tmp/end ]; do sleep 0.05; done; exit 9" }] });
  await host.must("run", "-d", pod.file);
  const first = supervisorOf(host, pod);
  killIfThere(first);
  // It may be taken along by the very end that it brings.
  await host.peapod("exec", pod.name, "--", "touch", "/tmp/end");
  await waitUntil("the exit is known", async () => (await host.state(pod)).containers[0]?.exit !== undefined);
  t.match((await host.state(pod)).containers[0]?.exit, { kind: "exited", code: 9 });
  await host.must("delete", pod.name);
});

testAsUser("a reaper that is killed is replaced, and the pod goes on", async (t, host) => {
  const pod = host.aPod({ containers: [{ name: "web", run: "while [ ! -e /tmp/end ]; do sleep 0.05; done; exit 9" }] });
  await host.must("run", "-d", pod.file);
  const { pid } = (await host.state(pod)).containers[0] ?? {};
  const reaper = reaperOf(host, pod);
  killIfThere(supervisorOf(host, pod));
  killIfThere(reaper);
  await waitUntil("it is dead", () => reaperOf(host, pod) !== reaper);
  t.equal((await host.state(pod)).containers[0]?.pid, pid, "its container runs on");
  await host.must("stop", pod.name);
  t.not(reaperOf(host, pod), undefined, "there is a new reaper");
  await host.must("delete", pod.name);
  await host.noLeftovers(t);
});

testAsUser(
  "with its holder killed a pod lives on, and the next command makes another in the same place",
  async (t, host) => {
    const pod = host.aPod({ containers: [{ name: "web" }] });
    await host.must("run", "-d", pod.file);
    const { pid } = (await host.state(pod)).containers[0] ?? {};
    const holder = host.holder();
    killIfThere(holder);
    await waitUntil("it is dead", () => host.holder() !== holder);
    t.match(await host.must("list"), /running +1\/1/);
    t.not(host.holder(), undefined);
    t.ok(host.mounts().length > 0, "in the namespace that has the pod's mounts");
    t.equal((await host.state(pod)).containers[0]?.pid, pid);
    await host.must("delete", "--force", pod.name);
    await host.noLeftovers(t);
  },
);

testAsUser("ten commands at once find or make one namespace", async (t, host) => {
  const pods = Array.from({ length: 6 }, () => host.aPod({ containers: [{ name: "web" }] }));
  await Promise.all(pods.map(({ file }) => host.must("run", "-d", file)));
  const namespaces = new Set(
    pods.map(({ name }) => readlinkSync(`/proc/${reaperOf(host, { name, file: "" }) ?? 0}/ns/mnt`)),
  );
  t.equal(namespaces.size, 1);
  await Promise.all(pods.map(({ name }) => host.must("delete", "--force", name)));
});

testAsUser("what a user's pod cannot have is refused in one sentence that names the line", async (t, host) => {
  const closed = join(host.dir, "theirs");
  mkdirSync(closed, { mode: 0o700 });
  const cases: [string, object, RegExp][] = [
    [
      "limits",
      { containers: [{ name: "web", resources: { limits: { memory: "64Mi" } } }] },
      /container web: cannot be limited, no cgroup of this machine was handed down to you \(.*yaml:\d+/,
    ],
    ["pids", { annotations: { "peapod/pidsLimit.c1": "9" } }, /annotation peapod\/pidsLimit\.c1: cannot be limited/],
    ["users", { spec: { hostUsers: false } }, /container c1: is in your user namespace already.*yaml:\d+/],
    [
      "disk",
      { spec: { volumes: [{ name: "v", emptyDir: { sizeLimit: "1Mi" } }] } },
      /volume v: a size on disk .* only root may mount \(.*yaml:\d+/,
    ],
    [
      "closed",
      { spec: { volumes: [{ name: "v", hostPath: { path: closed } }] } },
      /volume v: hostPath .*theirs is closed to you/,
    ],
    [
      "ids",
      { spec: { securityContext: { runAsUser: 70000 } } },
      /container c1: id 70000 is not among yours, which are 65537/,
    ],
  ];
  for (const [name, request, words] of cases) {
    const { code, err } = await host.peapod("run", "-d", host.aPod({ name, ...request }).file);
    t.not(code, 0, name);
    t.match(err, words, name);
  }
  const pod = host.aPod();
  await host.must("run", "-d", pod.file);
  for (const words of [
    ["pause", pod.name],
    ["update", pod.name, "c1", "--memory", "64m"],
  ]) {
    const { code, err } = await host.peapod(...words);
    t.not(code, 0);
    t.match(err, "it has no cgroup: none was handed down to you");
  }
  t.match(await host.must("stats", "--no-stream", pod.name), /c1 +[\d.]+% +[\d.]+MiB/);
});

testAsUser("the host's own network, processes and ipc can be used", async (t, host) => {
  const pod = host.aPod({
    containers: [
      {
        name: "web",
        run: "(sleep 6464 &); ls /proc/1/comm && ls /sys/class/net | head -c 1 >/dev/null && echo seen; exec sleep 1000",
      },
    ],
    spec: { hostNetwork: true, hostPID: true, hostIPC: true },
  });
  await host.must("run", "-d", pod.file);
  await waitUntil("it has spoken", async () => (await host.must("logs", pod.name)).includes("seen"));
  await host.must("delete", "--force", pod.name);
  await host.noLeftovers(t);
});

testAsUser("volumes, secrets and a directory of the user's own", async (t, host) => {
  host.run("sh", "-c", `mkdir ${host.home}/mine && echo own >${host.home}/mine/file`);
  const file = join(host.dir, "volumes.yaml");
  writeFileSync(
    file,
    `apiVersion: v1
kind: Pod
metadata: {name: volumes}
spec:
  restartPolicy: Never
  volumes:
    - {name: mine, hostPath: {path: ${host.home}/mine}}
    - {name: memory, emptyDir: {medium: Memory, sizeLimit: 1Mi}}
    - {name: plain, emptyDir: {}}
    - {name: secret, secret: {secretName: key}}
    - {name: kept, persistentVolumeClaim: {claimName: kept}}
  securityContext: {fsGroup: 1234}
  containers:
    - name: web
      image: rootfs:${join(host.dir, "rootfs")}
      command: [sh, -c, "cat /mine/file /secret/word && echo >/memory/x && echo >/plain/x && echo kept >/kept/x && id -G && touch /mine/made"]
      volumeMounts:
        - {name: mine, mountPath: /mine}
        - {name: memory, mountPath: /memory}
        - {name: plain, mountPath: /plain}
        - {name: secret, mountPath: /secret}
        - {name: kept, mountPath: /kept}
---
apiVersion: v1
kind: Secret
metadata: {name: key}
stringData: {word: "open sesame"}
`,
  );
  const { code, out, err } = await host.peapod("run", file);
  t.equal(code, 0, err);
  t.match(out, "own");
  t.match(out, "open sesame");
  t.match(await host.must("volume", "list"), "kept");
  t.equal(readFileSync(join(host.home, ".local/share/peapod/volumes/kept/data/x"), "utf8"), "kept\n");
  await host.must("volume", "rm", "kept");
  t.equal(host.run("stat", "-c", "%u", `${host.home}/mine/made`).trim(), String(host.uid));
});

testAsUser("what the machine lacks for a user's pods is told in one line", async (t, host) => {
  const bin = join(host.home, "peapod/dist/bin/peapod-rootless");
  const call = () => {
    const { program, args, env } = host.asUser([bin, "/bin/true"]);
    return spawnSync(program, args, { env: { ...env, PATH: "/bin:/sbin" }, cwd: host.dir, encoding: "utf8" });
  };
  const ended = call();
  t.equal(ended.status, 0, ended.stderr);
  for (const name of ["subuid", "subgid"]) writeFileSync(join(host.dir, "etc", name), "");
  await waitUntil("the holder has gone", () => host.holder() === undefined);
  const { status, stderr } = call();
  t.equal(status, 125);
  t.match(stderr, /^peapod: \/etc\/subuid: has no ids for user pt\d+; a range is added by: sudo usermod .*\n$/);
});

t.test("two users and root have pods of one name at the same time", { timeout: 300_000 }, async (t) => {
  const hosts = [new UserHost(), new UserHost(), new PeapodHost({})];
  try {
    const pods = await Promise.all(
      hosts.map(async (host, index) => {
        const pod = host.aPod({
          name: "same",
          containers: [{ name: "web", run: `echo of ${index}; exec sleep 1000` }],
        });
        await host.must("run", "-d", pod.file);
        return pod;
      }),
    );
    for (const [index, host] of hosts.entries()) {
      await waitUntil("it has spoken", async () => (await host.must("logs", "same")).includes(`of ${index}`));
      t.equal((await host.must("list")).split("\n").filter((line) => line.startsWith("same")).length, 1);
    }
    const [first, , roots] = hosts as [UserHost, UserHost, PeapodHost];
    await first.must("delete", "--force", "same");
    await first.must("doctor", "--fix");
    t.equal((await roots.state(pods[2]!)).status, "running", "root's pod is untouched");
  } finally {
    for (const host of hosts) {
      await host.end();
      await host.noLeftovers(t);
      host.remove();
    }
  }
});

testAsUser(
  "a pod in a rootless caller's container is refused, and its plain containers are runc's",
  async (t, host) => {
    const bin = join(host.home, "peapod/dist/bin");
    const call = (bundle: string) => {
      const { program, args, env } = host.asUser([
        ...[join(bin, "peapod-rootless"), join(bin, "peapod-oci"), "--root", join(host.home, "runc")],
        ...["create", "--bundle", bundle, "one"],
      ]);
      return spawnSync(program, args, { env, cwd: host.dir, encoding: "utf8" });
    };
    const config = { ociVersion: "1.0.2", root: { path: "rootfs" }, process: { args: ["sh"], cwd: "/" } };
    for (const name of ["pod", "plain"]) {
      mkdirSync(join(host.dir, name, "rootfs/etc/peapod"), { recursive: true });
      if (name === "pod") writeFileSync(join(host.dir, name, "rootfs/etc/peapod/pod.yaml"), "kind: Pod\n");
      writeFileSync(join(host.dir, name, "config.json"), JSON.stringify(config));
      execFileSync("chown", ["-R", `${host.uid}:${host.uid}`, join(host.dir, name)]);
    }
    const pod = call(join(host.dir, "pod"));
    t.equal(pod.status, 1);
    t.match(pod.stderr, "container one: a pod in a container needs the machine's root, and its caller runs as a user");
    // Without linux and mounts runc has something to say of its own.
    t.notMatch(call(join(host.dir, "plain")).stderr, "needs the machine's root");
  },
);

testAsUser(
  "a device of the host is opened by who may open it",
  async (t, host) => {
    const volumes = [{ name: "fuse", hostPath: { path: "/dev/fuse", type: "CharDevice" } }];
    const c = { name: "c", run: ": <>/d && echo opened", volumeMounts: [{ name: "fuse", mountPath: "/d" }] };
    const { file } = host.aPod({ containers: [c], spec: { volumes } });
    t.match(await host.peapod("run", file), { code: 0, out: "opened\n" });
  },
  { skip: existsSync("/dev/fuse") ? false : "needs /dev/fuse" },
);
