// hostUsers: false. Root inside is nobody in particular outside, whose files and volumes look as if he were root.

import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { supervisorOf } from "../support/own-processes.ts";
import {
  type ContainerSpec,
  type PeapodHost,
  type PodFile,
  type PodRequest,
  type Test,
  testWithPeapod,
} from "../support/peapod-host.ts";
import { waitUntil } from "../support/wait-until.ts";

const IDS = "/run/peapod/ids";

async function pidOf(host: PeapodHost, pod: PodFile, name: string): Promise<number> {
  const { containers } = await host.state(pod);
  return containers.find((one) => one.name === name)?.pid ?? Number.NaN;
}

function testWithUsers(sentence: string, body: (t: Test, host: PeapodHost) => Promise<void>): void {
  testWithPeapod(sentence, async (t, host) => {
    // The users of a namespace must get through to the pod.
    chmodSync(host.dir, 0o711);
    await body(t, host);
  });
}

/** First host id of a process's user namespace. */
function firstIdOf(pid: number): number {
  return Number(/^\s*0\s+(\d+)\s+65536$/m.exec(readFileSync(`/proc/${pid}/uid_map`, "utf8"))?.[1]);
}

testWithUsers("root of the pod owns its files and volumes, and is nobody on the host", async (t, host) => {
  const shared = join(host.dir, "shared");
  mkdirSync(shared);
  writeFileSync(join(shared, "of-1000"), "x");
  chownSync(join(shared, "of-1000"), 1000, 1000);
  writeFileSync(join(shared, "single"), "one file");
  const volumeMounts = [
    { name: "disk", mountPath: "/disk" },
    { name: "ram", mountPath: "/ram" },
    { name: "host", mountPath: "/host" },
    { name: "host", mountPath: "/view", readOnly: true },
    { name: "file", mountPath: "/etc/single" },
  ];
  const pod = host.aPod({
    spec: {
      hostUsers: false,
      volumes: [
        { name: "disk", emptyDir: {} },
        { name: "ram", emptyDir: { medium: "Memory" } },
        { name: "host", hostPath: { path: shared } },
        { name: "file", hostPath: { path: join(shared, "single"), type: "File" } },
      ],
    },
    containers: [
      { name: "root", run: "sleep 1000", volumeMounts },
      { name: "user", run: "sleep 1000", volumeMounts, securityContext: { runAsUser: 1000 } },
    ],
  });
  await host.must("run", "--detach", pod.file);
  const inside = async (name: string, script: string) => {
    const { out, err } = await host.peapod("exec", "-c", name, pod.name, "--", "sh", "-c", script);
    return (out + err).trim();
  };
  const first = firstIdOf(await pidOf(host, pod, "root"));
  t.ok(first >= 65_536, `root is ${first} on the host`);
  t.equal(firstIdOf(await pidOf(host, pod, "user")), first, "one user namespace for the pod");
  t.equal(statSync(`/proc/${await pidOf(host, pod, "root")}`).uid, first);
  t.equal(statSync(`/proc/${await pidOf(host, pod, "user")}`).uid, first + 1000);

  const owners = "stat -c %u:%g / /bin /bin/busybox /etc/passwd /etc/hosts /disk /ram /host /host/of-1000 /etc/single";
  t.equal(await inside("root", `${owners} | while read x; do echo -n "$x "; done`), `${"0:0 ".repeat(8)}1000:1000 0:0`);
  t.equal(
    await inside("root", "for f in /new /etc/new /disk/new /ram/new /host/new; do echo hi >$f && cat $f; done"),
    "hi\nhi\nhi\nhi\nhi",
  );
  t.match(await inside("root", "touch /view/x"), /Read-only file system/);
  t.equal(await inside("root", "echo '127.0.0.9 extra' >>/etc/hosts; wc -l </etc/hosts"), "9");
  t.match(await inside("user", "touch /new2"), /Permission denied/);
  t.equal(await inside("user", "touch /disk/users && stat -c %u /disk/users"), "1000");
  t.equal(await inside("user", "cat /disk/new"), "hi", "they share it");
  t.equal(lstatSync(join(shared, "new")).uid, 0, "on disk the owner is who he is inside, as in Kubernetes");

  t.match(await inside("root", "cat /proc/self/uid_map"), new RegExp(`^0 +${first} +65536$`));
  t.match(await inside("root", "echo 1 >/proc/sys/kernel/panic"), /Read-only|denied/);
  t.match(await inside("root", "mount -t tmpfs none /tmp"), /denied|not permitted/);
  t.match(await inside("root", "/bin/busybox mknod /tmp/sda b 8 0"), /not permitted/);
  t.match(await inside("root", `kill -0 ${process.pid}`), /No such process|not permitted/);
  await host.must("delete", "--force", pod.name);
  t.notOk(readdirSync(shared).includes("users"), "its own volumes are gone");
});

testWithUsers("no two pods have one range of ids, and a deleted pod gives its own back", async (t, host) => {
  const before = existsSync(IDS) ? readdirSync(IDS) : [];
  const spec = { hostUsers: false };
  const pods = [host.aPod({ name: "one", spec }), host.aPod({ name: "two", spec }), host.aPod({ name: "three", spec })];
  await Promise.all(pods.map((pod) => host.must("run", "--detach", pod.file)));
  const firsts = await Promise.all(pods.map(async (pod) => firstIdOf(await pidOf(host, pod, "c1"))));
  t.equal(new Set(firsts).size, 3, firsts.join(", "));
  const again = host.aPod({ name: "one", spec });
  t.match((await host.peapod("run", again.file)).err, /pod one: exists already/);
  t.equal(readdirSync(IDS).length, before.length + 3, "who did not come up has none");
  const broken = host.aPod({ name: "broken", spec, containers: [{ name: "c", run: ["/bin/no-such-program"] }] });
  t.not((await host.peapod("run", broken.file)).code, 0);
  t.equal(readdirSync(IDS).length, before.length + 3, "nor who failed on the way");
  for (const { name } of pods) await host.must("delete", "--force", name);
  t.strictSame(existsSync(IDS) ? readdirSync(IDS) : [], before);
});

testWithUsers("a supervisor that is killed finds the pod's owners as they were", async (t, host) => {
  const pod = host.aPod({
    spec: { hostUsers: false, volumes: [{ name: "v", emptyDir: {} }] },
    containers: [{ name: "c", run: "sleep 1000", volumeMounts: [{ name: "v", mountPath: "/v" }] }],
  });
  await host.must("create", pod.file);
  const supervisor = supervisorOf(host, pod);
  if (supervisor !== undefined) process.kill(supervisor, "SIGKILL");
  await host.must("start", pod.name);
  t.equal((await host.must("exec", pod.name, "--", "stat", "-c", "%u", "/v")).trim(), "0");
  await host.must("delete", pod.name, "--force");
});

testWithUsers("containers come, go and are replaced, each as the same users", async (t, host) => {
  const LAMP = { name: "v", configMap: { name: "lamp" } };
  const stay = "trap 'exit 0' TERM; while :; do sleep 0.05; done";
  const at = (name: string) => ({ volumeMounts: [{ name, mountPath: "/v" }] });
  const request = (round: string, ...members: ContainerSpec[]): PodRequest => ({
    name: "web",
    containers: [{ name: "one", run: stay, ...at("v") }, ...members],
    spec: {
      hostUsers: false,
      volumes: [LAMP, { name: "mine", emptyDir: {} }],
    },
    documents: [{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "lamp" }, data: { round } }],
  });
  const old = { name: "old", run: stay };
  const pod = host.aPod(request("0", old, { name: "two", run: stay, env: [{ name: "V", value: "1" }] }));
  await host.must("run", "-d", pod.file);
  const pidOne = await pidOf(host, pod, "one");
  const first = firstIdOf(pidOne);
  const two = { name: "two", run: stay, env: [{ name: "V", value: "2" }] };
  const next = request("1", { name: "new", run: `touch /v/x; ${stay}`, ...at("mine") }, two);
  await host.must("update", "web", "-f", host.aPod(next).file);
  t.same(
    (await host.shown(pod)).containers.map(({ name, restartCount }) => `${name} ${restartCount}`),
    ["_pause 0", "one 0", "new 0", "two 1"],
  );
  t.equal(await pidOf(host, pod, "one"), pidOne, "it did not notice");
  for (const name of ["new", "two"]) t.equal(firstIdOf(await pidOf(host, pod, name)), first, name);
  t.equal(await host.must("exec", "-c", "one", "web", "cat", "/v/round"), "1");
  await waitUntil("it wrote", async () => (await host.peapod("exec", "-c", "new", "web", "ls", "/v")).out === "x\n");
  t.equal(await host.must("exec", "-c", "new", "web", "stat", "-c", "%u", "/v/x", "/"), "0\n0\n");
  const unmappable = {
    ...next,
    containers: [{ name: "one", run: "true", ...at("theirs") }],
    spec: { hostUsers: false, volumes: [{ name: "theirs", hostPath: { path: "/proc/fs" } }] },
  };
  t.match(
    (await host.peapod("update", "web", "-f", host.aPod(unmappable).file)).err,
    /\/proc\/fs: its file system cannot map owners/,
  );
  t.equal(await pidOf(host, pod, "one"), pidOne, "it has not gone for that");
  await host.must("restart", "web");
  t.equal(firstIdOf(await pidOf(host, pod, "one")), first);
  const mapped = () => readdirSync(join(host.root, "pods/web/idmap")).filter((name) => name.startsWith("mine-"));
  t.equal(mapped().length, 1);
  const spec = { hostUsers: false, volumes: [LAMP] };
  await host.must("update", "web", "-f", host.aPod({ ...request("2"), spec }).file);
  t.same(mapped(), [], "what nobody has any more is mapped no more");
  t.equal(await host.must("exec", "-c", "one", "web", "cat", "/v/round"), "2");
});

testWithUsers("what cannot be mapped is told, and leaves nothing", async (t, host) => {
  const pod = host.aPod({
    spec: { hostUsers: false, volumes: [{ name: "proc", hostPath: { path: "/proc/fs" } }] },
    containers: [{ name: "c", run: "true", volumeMounts: [{ name: "proc", mountPath: "/p" }] }],
  });
  const { code, err } = await host.peapod("run", pod.file);
  t.not(code, 0);
  t.match(err, /user namespace: \/proc\/fs: its file system cannot map owners/);
  t.match(err, /ext4, xfs, btrfs/);
});

testWithUsers(
  "procMount Unmasked shows the pod's own /proc, where root of the pod has no power over the host",
  async (t, host) => {
    const pod = host.aPod({
      spec: { hostUsers: false },
      containers: [
        {
          name: "c",
          run: "sleep 1000",
          securityContext: { procMount: "Unmasked", capabilities: { add: ["NET_ADMIN"] } },
        },
      ],
    });
    await host.must("run", "--detach", pod.file);
    const inside = async (script: string) => {
      const { out, err } = await host.peapod("exec", pod.name, "--", "sh", "-c", script);
      return (out + err).trim();
    };
    t.equal(
      await inside("cat /proc/self/mountinfo | while read a b c d at x; do case $at in /proc/*) echo $at;; esac; done"),
      "",
    );
    t.equal(await inside("echo 99 >/proc/sys/net/ipv4/ip_default_ttl; cat /proc/sys/net/ipv4/ip_default_ttl"), "99");
    t.match(await inside("echo 1 >/proc/sys/kernel/panic"), /denied/);
  },
);

testWithPeapod("a state directory that its users cannot get to is told", async (t, host) => {
  chmodSync(host.dir, 0o700);
  const { err } = await host.peapod("run", host.aPod({ spec: { hostUsers: false } }).file);
  t.match(err, new RegExp(`user namespace: its users cannot pass through ${host.dir} to the pod`));
});
