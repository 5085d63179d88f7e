// Our bundles need nothing of ours to run: every example, with runc and the two scripts alone. (In a user namespace
// peapod-idmap stands in for a mount(8) that util-linux has from 2.39 on.)

import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { EXAMPLES, exampleNames } from "../../scripts/golden.ts";
import { CANNOT_RUN, withPlainPod } from "../support/plain-runc.ts";
import { podText } from "../support/planning.ts";

const without = { skip: CANNOT_RUN };

/** How many lines of each container begin with `ok:`; `not ok:` must not occur anywhere. */
const OKS: Record<string, Record<string, number>> = {
  hardened: { probe: 15, backup: 1 },
  "host-network": { probe: 1 },
  hostpath: { writer: 3 },
  // Their input is empty there, and they end.
  interactive: { shell: 0, reader: 0 },
  limits: { modest: 2, greedy: 0 },
  "logical-host": { web: 1, ann: 7, bob: 7 },
  "mixed-namespaces": { backup: 2, db: 1, agent: 2 },
  names: { server: 0, client: 7 },
  "private-net": { east: 3, west: 3 },
  "read-only": { careful: 7 },
  "shared-pid": { worker: 1, watcher: 2 },
  "tmpfs-cache": { writer: 2, reader: 2 },
  "user-namespace": { admin: 5, neighbour: 2, hermit: 1 },
};

/** Those that somebody must stop, probe or start again, and those with Secrets, which no bundle holds; examples.test.ts runs them. */
const NOT_PLAIN = [
  "adapter",
  "ambassador",
  "config-and-secret",
  "config-reload",
  "debug",
  "graceful-drain",
  "job",
  "native-sidecar",
  "probes",
  "projected",
  "sidecar-logging",
  "wait-for",
  // They run other programs than busybox.
  "build-in-pod",
  "docker-in-pod",
];

t.test("every example keeps its promises under plain runc, and leaves nothing", without, async (t) => {
  const examples = exampleNames().filter((name) => !NOT_PLAIN.includes(name));
  t.strictSame(examples, Object.keys(OKS).sort(), "every example is here");
  for (const example of examples) {
    await t.test(example, async (t) => {
      t.teardown(() => rmSync("/tmp/peapod-example-hostpath", { recursive: true, force: true }));
      await withPlainPod(t, readFileSync(join(EXAMPLES, example, "pod.yaml"), "utf8"), async (pod) => {
        await pod.ended();
        for (const [name, expected] of Object.entries(OKS[example] ?? {})) {
          const log = pod.logOf(name);
          t.equal(log.match(/^ok: /gm)?.length ?? 0, expected, `${name} says ok ${expected} times`, { log });
          t.notMatch(log, /not ok|not found|ermission denied/, `${name} complains of nothing`);
        }
      });
    });
  }
});

t.test("the scripts are clean to shellcheck", { skip: CANNOT_RUN || missing("shellcheck") }, async (t) => {
  await withPlainPod(t, readFileSync(join(EXAMPLES, "user-namespace", "pod.yaml"), "utf8"), (pod) => {
    const scripts = ["up.sh", "down.sh"].map((name) => join(pod.plan.paths.dir, name));
    const all = [...scripts, join(EXAMPLES, "make-rootfs")];
    const { status, stdout } = spawnSync("shellcheck", all, { encoding: "utf8" });
    t.equal(status, 0, stdout);
  });
});

t.test("a default container is closed where podman's and containerd's are", without, async (t) => {
  const rows: [string, RegExp][] = [
    ["cat /proc/kcore | head -c 1 | wc -c", /^0$/m],
    ["ls -A /sys/firmware | wc -l", /^0$/m],
    ["echo 1 >/proc/sys/kernel/domainname", /Read-only file system/],
    ["touch /sys/here", /Read-only file system/],
    ["mkdir /sys/fs/cgroup/memory/x || mkdir /sys/fs/cgroup/x", /Read-only file system/],
    ["mount -t tmpfs tmpfs /mnt", /not permitted|denied/],
    ["unshare -n true", /Operation not permitted/],
    ["mknod /tmp/sda b 8 0", /Operation not permitted/],
    ["grep -c . /proc/self/uid_map; grep Seccomp: /proc/self/status", /Seccomp:\t2/],
    ["grep CapInh /proc/self/status; grep CapAmb /proc/self/status", /CapInh:\t0{16}\nCapAmb:\t0{16}/],
    ["echo works >/dev/null && echo x >/dev/shm/x && echo y >/tmp/y && cat /dev/shm/x /tmp/y", /^x\ny$/m],
    ["ls -d /dev/mqueue /dev/pts /dev/ptmx /dev/full | wc -l", /^4$/m],
  ];
  await withPlainPod(t, podText({ name: "closed", containers: { web: { command: ["/bin/sleep", "60"] } } }), (pod) => {
    for (const [line, expected] of rows)
      t.match(pod.exec("web", "/bin/sh", "-c", `${line} 2>&1`).output, expected, line);
  });
});

t.test("a privileged container is open", without, async (t) => {
  const containers = { web: { command: ["/bin/sleep", "60"], securityContext: { privileged: true } } };
  const rows: [string, RegExp][] = [
    ["mount -t tmpfs tmpfs /mnt && echo mounted", /^mounted$/m],
    ["grep Seccomp: /proc/self/status", /Seccomp:\t0/],
    ["grep ' /sys ' /proc/self/mountinfo", /\/sys rw/],
    ["ls /dev | wc -l", /^[2-9]\d+|1\d\d+$/m],
  ];
  await withPlainPod(t, podText({ name: "open", containers }), (pod) => {
    for (const [line, expected] of rows)
      t.match(pod.exec("web", "/bin/sh", "-c", `${line} 2>&1`).output, expected, line);
  });
});

t.test("a container that cannot be created takes everything with it", without, async (t) => {
  const text = podText({ name: "broken", containers: { web: {}, db: { command: ["/no/such/program"] } } });
  await t.rejects(
    withPlainPod(t, text, () => undefined),
    { message: /up\.sh ended with 1.*no such file or directory/s },
  );
});

function missing(program: string): string | false {
  return spawnSync(program, ["--version"]).error === undefined ? false : `needs ${program}`;
}
