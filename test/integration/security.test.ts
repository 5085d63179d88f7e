// What securityContext says is what the kernel has the processes down for, and what it forbids does not work.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type PeapodHost, type PodFile, testWithPeapod } from "../support/peapod-host.ts";
import { rootfsWithAccounts, rootfsWithSetuid } from "../support/special-rootfs.ts";
import { waitUntil } from "../support/wait-until.ts";

const PASSWD =
  "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\nevil:x:0:0::/:/bin/sh\n7:x:0:0::/:\n";
const GROUP = "root:x:0:root\nwheel:x:10:app\nstaff:x:50:app\n";

/** The fields of proc_pid_status(5) of a container's first process. */
async function statusOf(host: PeapodHost, pod: PodFile, name: string): Promise<(field: string) => string> {
  const { containers } = await host.state(pod);
  const { pid } = containers.find((one) => one.name === name) ?? {};
  const text = readFileSync(`/proc/${pid}/status`, "utf8");
  return (field) => (new RegExp(`^${field}:\\s*(.*)$`, "m").exec(text)?.[1] ?? "").trim().replaceAll("\t", " ");
}

testWithPeapod("user, groups, capabilities and filters are as the manifest says", async (t, host) => {
  const image = `rootfs:${rootfsWithAccounts(host.dir, "accounts", PASSWD, GROUP)}`;
  const run = "sleep 1000";
  const pod = host.aPod({
    spec: { securityContext: { runAsUser: 1000, runAsNonRoot: true, supplementalGroups: [77] } },
    containers: [
      {
        name: "merged",
        image,
        run,
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
      },
      {
        name: "other",
        image,
        run,
        securityContext: { runAsUser: 5, runAsGroup: 6, seccompProfile: { type: "Unconfined" } },
      },
    ],
  });
  await host.must("run", "--detach", pod.file);
  const merged = await statusOf(host, pod, "merged");
  t.equal(merged("Uid"), "1000 1000 1000 1000");
  t.equal(merged("Gid"), "1001 1001 1001 1001", "by /etc/passwd");
  t.equal(merged("Groups"), "10 50 77 1001", "by /etc/group and the manifest");
  for (const set of ["Inh", "Prm", "Eff", "Bnd", "Amb"]) t.equal(merged(`Cap${set}`), "0".repeat(16), set);
  t.equal(merged("NoNewPrivs"), "1");
  t.equal(merged("Seccomp"), "2");
  const other = await statusOf(host, pod, "other");
  t.equal(other("Gid"), "6 6 6 6");
  t.equal(other("Groups"), "6 77");
  t.equal(other("NoNewPrivs"), "0");
  t.equal(other("Seccomp"), "0");
  t.equal((await host.must("exec", "-c", "merged", pod.name, "--", "sh", "-c", "echo $HOME")).trim(), "/home/app");
  await host.must("delete", "--force", pod.name);

  const strict = host.aPod({
    spec: { securityContext: { supplementalGroups: [77], supplementalGroupsPolicy: "Strict" } },
    containers: [{ name: "strict", image, run, securityContext: { runAsUser: 1000 } }],
  });
  await host.must("run", "--detach", strict.file);
  t.equal((await statusOf(host, strict, "strict"))("Groups"), "77 1001");
});

testWithPeapod(
  "a set-user-ID program gives root where escalation is allowed, and not where it is not",
  async (t, host) => {
    const image = `rootfs:${rootfsWithSetuid(host.dir)}`;
    const asUser = (allowPrivilegeEscalation: boolean) => ({ runAsUser: 1000, allowPrivilegeEscalation });
    const pod = host.aPod({
      containers: [
        { name: "may", image, run: ["/bin/whom"], securityContext: asUser(true) },
        { name: "may-not", image, run: ["/bin/whom"], securityContext: asUser(false) },
      ],
    });
    const { code, out } = await host.peapod("run", pod.file);
    t.equal(code, 0);
    t.match(out, /^may +\| euid=0$/m);
    t.match(out, /^may-not +\| euid=1000$/m);
  },
);

testWithPeapod("root is refused before anything is made where runAsNonRoot is set", async (t, host) => {
  const image = `rootfs:${rootfsWithAccounts(host.dir, "accounts", PASSWD, GROUP)}`;
  const pod = host.aPod({ spec: { securityContext: { runAsNonRoot: true } }, containers: [{ name: "web", image }] });
  const { code, err } = await host.peapod("run", pod.file);
  t.not(code, 0);
  t.match(
    err,
    /container web: would run as root .*which runAsNonRoot forbids \(.*pod1\.yaml:\d+ spec\.securityContext\.runAsNonRoot\)/,
  );
  t.notOk(existsSync(join(host.root, "pods", pod.name)));
});

testWithPeapod("a seccomp profile of the user's own is the one that counts", async (t, host) => {
  writeFileSync(
    join(host.dir, "no-mkdir.json"),
    JSON.stringify({
      defaultAction: "SCMP_ACT_ALLOW",
      archMap: [{ architecture: "SCMP_ARCH_X86_64" }, { architecture: "SCMP_ARCH_AARCH64" }],
      syscalls: [
        { names: ["mkdir", "mkdirat", "no_such_call"], action: "SCMP_ACT_ERRNO", errno: "ENOTSUP" },
        { names: ["sethostname"], action: "SCMP_ACT_ERRNO", errnoRet: 1, includes: { caps: ["CAP_SYS_ADMIN"] } },
      ],
    }),
  );
  const seccompProfile = { type: "Localhost", localhostProfile: "no-mkdir.json" };
  const run = "mkdir /tmp/x && echo made; hostname other && echo renamed; true";
  const pod = host.aPod({
    spec: { securityContext: { seccompProfile } },
    containers: [
      { name: "kept", run, securityContext: { capabilities: { add: ["SYS_ADMIN"] } } },
      { name: "free", run, securityContext: { seccompProfile: { type: "RuntimeDefault" } } },
    ],
  });
  const { out, err } = await host.peapod("run", pod.file);
  t.match(err, /kept +\| mkdir: .*Operation not supported/);
  t.match(err, /kept +\| hostname: .*Operation not permitted/);
  t.match(out, /free +\| made/);
  rmSync(join(host.dir, "no-mkdir.json"));
  t.match(
    (await host.peapod("run", pod.file)).err,
    /seccomp profile no-mkdir\.json does not exist .*\n.*it is looked for in/,
  );
});

testWithPeapod("what this kernel has not is an error that says so", async (t, host) => {
  const profiled = (securityContext: object) =>
    host.peapod("run", host.aPod({ containers: [{ name: "web", securityContext }] }).file);
  if (!existsSync("/sys/module/apparmor/parameters/enabled")) {
    const appArmorProfile = { type: "Localhost", localhostProfile: "mine" };
    t.match((await profiled({ appArmorProfile })).err, /AppArmor profile mine: this kernel has no AppArmor/);
  }
  if (!existsSync("/sys/fs/selinux/enforce"))
    t.match(
      (await profiled({ seLinuxOptions: { user: "user_u", role: "user_r", type: "user_t", level: "s0" } })).err,
      /this kernel has no SELinux/,
    );
  t.match((await profiled({ procMount: "Unmasked" })).err, /procMount Unmasked needs a user namespace/);
});

testWithPeapod("kernel parameters are set once for the pod, and never the host's", async (t, host) => {
  const PORT = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
  const before = readFileSync(PORT, "utf8");
  const sysctls = (...pairs: [string, string][]) => ({
    securityContext: { sysctls: pairs.map(([name, value]) => ({ name, value })) },
  });
  const run = `cat ${PORT} /proc/sys/kernel/shmmax /proc/sys/fs/mqueue/msg_max /proc/sys/kernel/domainname; echo 1 >${PORT}`;
  const pod = host.aPod({
    spec: sysctls(
      ["net/ipv4/ip_unprivileged_port_start", "81"],
      ["kernel.shmmax", "1234567"],
      ["fs.mqueue.msg_max", "17"],
      ["kernel.domainname", "it's here; `true`"],
    ),
    annotations: { "peapod/namespaces.alone": "net=private" },
    containers: [
      { name: "one", run },
      { name: "alone", run },
    ],
  });
  const { out, err } = await host.peapod("run", pod.file);
  for (const name of ["one", "alone"]) {
    const lines = out.split("\n").flatMap((line) => (line.startsWith(name) ? [line.split("| ")[1]] : []));
    t.strictSame(lines, ["81", "1234567", "17", "it's here; `true`"], name);
    t.match(err, new RegExp(`${name} .*Read-only file system`), "a container cannot change them");
  }
  t.equal(readFileSync(PORT, "utf8"), before);
  const bad = async (name: string, value: string) =>
    (await host.peapod("run", host.aPod({ spec: sysctls([name, value]) }).file)).err;
  t.match(
    await bad("net.ipv4.no_such", "1"),
    /sysctl net\.ipv4\.no_such: a namespace of this kernel has no such parameter/,
  );
  t.match(
    await bad("net.ipv4.ip_unprivileged_port_start", "-5"),
    /sysctl net\.ipv4\.ip_unprivileged_port_start: the kernel does not take -5/,
  );
});

testWithPeapod("exec --user takes names and numbers, with the groups of that user alone", async (t, host) => {
  const image = `rootfs:${rootfsWithAccounts(host.dir, "accounts", PASSWD, GROUP)}`;
  const pod = host.aPod({
    spec: { securityContext: { supplementalGroups: [77] } },
    containers: [{ name: "web", image, run: "sleep 1000" }],
  });
  await host.must("run", "--detach", pod.file);
  const as = async (user: string) => {
    const script = "echo $(id -u):$(id -g) $(id -G) $HOME";
    const { out, err } = await host.peapod("exec", "--user", user, pod.name, "--", "sh", "-c", script);
    return (out || err).trim();
  };
  t.equal(await as("app"), "1000:1001 1001 10 50 /home/app");
  t.equal(await as("1000"), "1000:1001 1001 10 50 /home/app");
  t.equal(await as("app:staff"), "1000:50 50 10 /home/app");
  t.equal(await as("5:6"), "5:6 6 /");
  t.equal(await as("7"), "7:0 0 /", "a number is an id, whatever a hostile file calls so");
  t.match(await as("ghost"), /container web: user "ghost" is not in its \/etc\/passwd/);
  t.match(await as("app:ghost"), /has a group not in its \/etc\/group/);
  t.match(await as("a:b:c"), /is not of the form USER\[:GROUP\]/);
  t.match(await as("4294967296"), /is too large a number/);
  const { code, out } = await host.peapod(
    "exec",
    "-u",
    "app",
    "-e",
    "A=b c",
    "-w",
    "/tmp",
    pod.name,
    "--",
    "sh",
    "-c",
    "echo $A; pwd; exit 9",
  );
  t.strictSame([code, out], [9, "b c\n/tmp\n"]);
});

testWithPeapod("account files that a container lays as traps hang and mislead nobody", async (t, host) => {
  const rootfs = rootfsWithAccounts(host.dir, "accounts", PASSWD, GROUP);
  const pod = host.aPod({ containers: [{ name: "web", image: `rootfs:${rootfs}`, run: "sleep 1000" }] });
  await host.must("run", "--detach", pod.file);
  const lay = (script: string) => host.must("exec", pod.name, "--", "sh", "-c", script);
  const as = async (user: string) => {
    const { out, err } = await host.peapod("exec", "--user", user, pod.name, "--", "id", "-u");
    return (out || err).trim();
  };
  const secret = join(host.dir, "passwd");
  writeFileSync(secret, "outside:x:4242:0::/:\n");
  await lay(`rm /etc/passwd; ln -s ${secret} /etc/passwd`);
  t.match(await as("outside"), /is not in its \/etc\/passwd/, "an absolute link begins at its root");
  await lay(`rm /etc/passwd; ln -s ../../../../../../..${secret} /etc/passwd`);
  t.match(await as("outside"), /is not in its \/etc\/passwd/, "nothing climbs out");
  await lay("rm /etc/passwd; ln -s /proc/1/root/proc/self/environ /etc/passwd");
  t.match(await as("outside"), /is not in its \/etc\/passwd/, "the magic links of /proc are read as text");
  await lay("rm /etc/passwd; echo 'app:x:1000:1000::/:' >/etc/real; ln -s real /etc/passwd");
  t.equal(await as("app"), "1000", "its own links are followed");
  await lay("rm /etc/passwd; seq 1 300000 >/etc/passwd");
  t.match(await as("app"), /\/etc\/passwd: is larger than 1048576 bytes/);
  await lay("rm /etc/passwd; /bin/busybox mkfifo /etc/passwd");
  const started = Date.now();
  t.match(await as("app"), /container web: \/etc\/passwd: is a FIFO, not a plain file/);
  t.match((await host.peapod("exec", pod.name, "true")).err, /is a FIFO/, "the runtime would wait for ever");
  t.ok(Date.now() - started < 20_000);
  await host.must("delete", "--force", pod.name);

  rmSync(join(rootfs, "etc/group"));
  execFileSync("mkfifo", [join(rootfs, "etc/group")]);
  t.match((await host.peapod("run", pod.file)).err, /container web: \/etc\/group: is a FIFO, not a plain file/);
});

testWithPeapod(
  "in a shared pid namespace orphans are reaped by a first process that is nobody's program",
  async (t, host) => {
    const orphans =
      "i=0; while [ $i -lt 50 ]; do sh -c 'true & usleep 1000 &'; i=$((i+1)); done; touch /tmp/done; sleep 1000";
    const pod = host.aPod({
      spec: { shareProcessNamespace: true },
      containers: [
        { name: "parent", run: orphans },
        { name: "watcher", run: "trap 'echo got it; exit 7' USR1; while :; do usleep 10000; done" },
      ],
    });
    await host.must("run", "--detach", pod.file);
    const inside = async (script: string, container = "watcher") =>
      (await host.must("exec", "-c", container, pod.name, "--", "sh", "-c", script)).trim();
    await waitUntil("all were started", async () => (await inside("ls /tmp", "parent")).includes("done"));
    const zombies = () =>
      inside("cat /proc/[0-9]*/stat 2>/dev/null | while read p n s x; do [ $s = Z ] && echo $p $n; done; true");
    await waitUntil("no zombie is left", async () => (await zombies()) === "");
    t.match(await inside("cat /proc/1/cmdline"), /^\/pause/, "the first process is ours");
    t.match(await inside("ps"), /sleep 1000/, "they see each other");
    const signal =
      'for p in /proc/[0-9]*; do case "$(cat $p/cmdline)" in *"got"" it"*) kill -USR1 $(echo $p | /bin/busybox cut -d/ -f3);; esac; done';
    // Its own command line has no such words in one.
    await inside(signal, "parent");
    t.equal((await host.must("wait", "-c", "watcher", pod.name)).trim(), "7", "a signal from a neighbour");
    t.match(await host.must("logs", "-c", "watcher", pod.name), /got it/);
    const { containers } = await host.state(pod);
    const { pid } = containers.find(({ name }) => name === "parent") ?? {};
    const seen = execFileSync("nsenter", ["--target", String(pid), "--pid", "--mount", "/bin/ps"], {
      encoding: "utf8",
    });
    t.match(seen, /1 .*\/pause/, "nsenter shows the pod's processes");
  },
);
