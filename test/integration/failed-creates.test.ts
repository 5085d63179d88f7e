// What does not come up: one sentence that says why, the right exit status, and a machine as it was before.

import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { EXIT } from "../../src/doors/cli/exit-codes.ts";
import { readHostFacts } from "../../src/host/read-facts.ts";
import { type Ended, type PeapodHost, type PodFile, type Test, testWithPeapod } from "../support/peapod-host.ts";
import { busyboxRootfs } from "../support/rootfs.ts";
import { readTraces } from "../support/traces.ts";
import { waitUntil } from "../support/wait-until.ts";

/** Ways to bring a pod up, each with its own process model behind it. */
const WAYS = [["create"], ["run", "-d"], ["run"]] as const;
const CRUN = "/usr/bin/crun";

/** Asserts that what ended was refused with one sentence (and at most one hint), and that nothing is left. */
async function isRefused(
  t: Test,
  root: string,
  { code, out, err }: Ended,
  sentence: RegExp,
  what: string,
): Promise<void> {
  t.equal(code, EXIT.failed, `${what}: the exit status is peapod's own`);
  t.equal(out, "", `${what}: nothing on standard output`);
  t.match(err, sentence, what);
  t.match(err, /^peapod: [^\n]+\n(hint: [^\n]+\n)?$/, `${what}: one sentence`);
  t.notMatch(err, /\n {4}at |Error:|undefined|\[object/, `${what}: no stack, no debris`);
  // The reaper that was started for the pod ends a moment after its caller has been told.
  await waitUntil("nothing is left", () => readTraces(root).length === 0, 3000).catch(() => undefined);
  t.same(readTraces(root), [], `${what}: nothing is left`);
}

async function isRefusedEveryWay(
  t: Test,
  host: PeapodHost,
  pod: PodFile,
  sentence: RegExp,
  options: readonly string[] = [],
): Promise<void> {
  for (const way of WAYS) {
    const args = [...options, ...way, pod.file];
    await isRefused(t, host.root, await host.peapod(...args), sentence, args.slice(0, -1).join(" "));
  }
}

testWithPeapod("a command that is not in the image", async (t, host) => {
  const containers = [{ name: "fine" }, { name: "bad", run: ["/bin/no-such-thing"] }];
  await isRefusedEveryWay(
    t,
    host,
    host.aPod({ containers }),
    /container bad: command "\/bin\/no-such-thing" not found/,
  );
});

testWithPeapod("a command that cannot be executed", async (t, host) => {
  const pod = host.aPod({ containers: [{ name: "bad", run: ["/etc/passwd"] }] });
  await isRefusedEveryWay(t, host, pod, /container bad: command "\/etc\/passwd" is not executable/);
});

testWithPeapod("a working directory that is a file", async (t, host) => {
  const pod = host.aPod({ containers: [{ name: "bad", workingDir: "/etc/passwd" }] });
  await isRefusedEveryWay(t, host, pod, /container bad: .*\/etc\/passwd: not a directory/);
});

testWithPeapod("a root file system that is not there", async (t, host) => {
  const pod = host.aPod({ containers: [{ name: "web", image: "rootfs:./nowhere" }] });
  await isRefusedEveryWay(t, host, pod, /container web: .*nowhere.* does not exist \([^)]*pod1\.yaml:\d+\)/);
});

testWithPeapod("a root file system that is a file", async (t, host) => {
  writeFileSync(join(host.dir, "rootfs"), "");
  const pod = host.aPod({ containers: [{ name: "web", image: "rootfs:./rootfs" }] });
  await isRefusedEveryWay(t, host, pod, /container web: .*rootfs .*not a directory/);
});

testWithPeapod("a hostPath that is not there", async (t, host) => {
  const volumeMounts = [{ name: "data", mountPath: "/data" }];
  const spec = { volumes: [{ name: "data", hostPath: { path: "/no/such/place", type: "Directory" } }] };
  const pod = host.aPod({ containers: [{ name: "web", volumeMounts }], spec });
  await isRefusedEveryWay(t, host, pod, /volume data: .*\/no\/such\/place/);
});

testWithPeapod("a runtime that is not installed", async (t, host) => {
  await isRefusedEveryWay(t, host, host.aPod(), /runtime runx: there is no such program/, ["--runtime", "runx"]);
  await isRefusedEveryWay(t, host, host.aPod(), /runtime \/no\/runc: there is no such/, ["--runtime", "/no/runc"]);
});

testWithPeapod("a runtime that cannot be run", async (t, host) => {
  const runtime = join(host.dir, "broken");
  writeFileSync(runtime, "#!/no/such/interpreter\n");
  chmodSync(runtime, 0o755);
  await isRefusedEveryWay(t, host, host.aPod(), /runtime \S+broken: cannot be run/, ["--runtime", runtime]);
});

/** Stands in for runc where a test says so, and is runc for the rest. */
function aRuntime(host: PeapodHost, instead: string): string {
  const path = join(host.dir, "runtime");
  const script = `#!/bin/sh
case " $* " in
  *" --version "*) echo "runc version 1.1.5"; exit 0;;
${instead}
esac
exec runc "$@"
`;
  writeFileSync(path, script);
  chmodSync(path, 0o755);
  return path;
}

testWithPeapod("a program that is no runtime", async (t, host) => {
  const said = /runtime \/bin\/true: does not say that it is runc or crun/;
  await isRefusedEveryWay(t, host, host.aPod(), said, ["--runtime", "/bin/true"]);
});

testWithPeapod("a runtime that prints garbage and says that all is well", async (t, host) => {
  const runtime = aRuntime(host, `  *) head -c 300 /dev/urandom; head -c 300 /dev/urandom >&2; exit 0;;`);
  await isRefusedEveryWay(t, host, host.aPod(), /container c1: .* wrote no pid/, ["--runtime", runtime]);
});

testWithPeapod("a runtime that fails and logs garbage", async (t, host) => {
  const words = `{"level":"error","msg":"what\\\\n\\\\u001b[31m is\\\\u0007 this?"}`;
  const log = `while [ "$1" != --log ]; do shift; done; printf '\\001\\377{"level":\\n${words}\\n{' > "$2"`;
  const runtime = aRuntime(host, `  *" create "* | *" run "*) ${log}; exit 1;;`);
  const refusal = /container c1: what \[31m is +this\?\n$/;
  await isRefusedEveryWay(t, host, host.aPod(), refusal, ["--runtime", runtime]);
});

testWithPeapod("a runtime that fails without a word", async (t, host) => {
  const runtime = aRuntime(host, `  *" create "* | *" run "*) exit 3;;`);
  const refusal = /container c1: (?:create|run) failed \(exit code 3\) without a word/;
  await isRefusedEveryWay(t, host, host.aPod({ containers: 3 }), /container c[123]: (?:create|run) failed/, [
    "--runtime",
    runtime,
  ]);
  await isRefusedEveryWay(t, host, host.aPod(), refusal, ["--runtime", runtime]);
});

testWithPeapod("a runtime that is killed in the middle of create", async (t, host) => {
  const runtime = aRuntime(host, `  *" create "* | *" run "*) runc "$@"; kill -9 $$;;`);
  await isRefusedEveryWay(t, host, host.aPod(), /container c1: (?:create|run) failed \(SIGKILL\)/, [
    "--runtime",
    runtime,
  ]);
});

testWithPeapod("a runtime that cannot start what it created", async (t, host) => {
  const runtime = aRuntime(
    host,
    [
      `  *" run "*) runc $(echo "$@" | sed "s/ run --detach / create /"); while [ "$1" != --log ]; do shift; done`,
      `    echo '{"level":"error","msg":"no start today"}' >"$2"; exit 1;;`,
      `  *" start "*) echo "no start today" >&2; exit 1;;`,
    ].join("\n"),
  );
  const pod = host.aPod({ containers: 2 });
  for (const way of WAYS.slice(1)) {
    const ended = await host.peapod("--runtime", runtime, ...way, pod.file);
    await isRefused(t, host.root, ended, /container c[12]: no start today/, way.join(" "));
  }
});

testWithPeapod(
  "crun on a machine with a mixed cgroup layout",
  async (t, host) => {
    const refusal = /this runtime cannot work with this machine's mixed cgroup layout\nhint: use runc/;
    await isRefusedEveryWay(t, host, host.aPod({ containers: 2 }), refusal, ["--runtime", CRUN]);
  },
  {
    skip:
      (!existsSync(CRUN) && "crun is not installed") ||
      (readHostFacts().cgroupLayout !== "hybrid" && "the layout is not hybrid"),
  },
);

testWithPeapod(
  "the systemd cgroup driver without systemd",
  async (t, host) => {
    const refusal = /cgroup driver systemd: systemd does not run this machine\nhint: use --cgroup-driver cgroupfs/;
    await isRefusedEveryWay(t, host, host.aPod(), refusal, ["--cgroup-driver", "systemd"]);
  },
  { skip: existsSync("/run/systemd/system") && "systemd runs this machine" },
);

testWithPeapod("a memory limit that nothing can start in", async (t, host) => {
  const resources = { limits: { memory: "1" } };
  const pod = host.aPod({ containers: [{ name: "fine" }, { name: "tiny", resources }] });
  await isRefusedEveryWay(t, host, pod, /container tiny: /);
});

testWithPeapod("a name that exists is refused, and who has it is not disturbed", async (t, host) => {
  const pod = host.aPod();
  await host.must("run", "-d", pod.file);
  // Between the runtime and its command a process has no words for an instant.
  await waitUntil("its command runs", () => readTraces(host.root).some((trace) => trace.endsWith("sleep 1000")));
  const before = readTraces(host.root);
  for (const way of WAYS) {
    const { code, out, err } = await host.peapod(...way, pod.file);
    t.equal(code, EXIT.failed);
    t.equal(out, "");
    t.match(err, /^peapod: pod pod1: exists already\nhint: [^\n]+\n$/);
  }
  // The reaper that was started for the refused one ends a moment after its caller has been told.
  const isAsBefore = () => readTraces(host.root).join("\n") === before.join("\n");
  await waitUntil("all is as before", isAsBefore, 3000).catch(() => undefined);
  t.same(readTraces(host.root), before, "everything of it is as before");
  t.equal((await host.state(pod)).status, "running");
});

testWithPeapod("of two who make one pod at once, one wins", async (t, host) => {
  const pod = host.aPod({ containers: 2 });
  const ends = await Promise.all([1, 2, 3].map(() => host.peapod("run", "-d", pod.file)));
  t.same(ends.map((end) => end.code).sort(), [0, EXIT.failed, EXIT.failed]);
  for (const { code, err } of ends) if (code !== 0) t.match(err, /^peapod: pod pod1: exists already\n/);
  t.match(await host.state(pod), { status: "running", containers: [{ status: "running" }, { status: "running" }] });
});

testWithPeapod("names that climb", async (t, host) => {
  const { file } = host.aPod();
  for (const name of ["../evil", "..", ".", "a/b", "/etc", "a/../../b", ""]) {
    const ended = await host.peapod("run", "-d", "--name", name, file);
    await isRefused(t, host.root, ended, /name/, `--name '${name}'`);
  }
  for (const verb of ["state", "delete", "stop", "exec", "logs"]) {
    const ended = await host.peapod(verb, "../pods/pod1", ...(verb === "exec" ? ["true"] : []));
    await isRefused(t, host.root, ended, /is not a pod's name/, verb);
  }
  for (const text of [readFileSync(file, "utf8").replace(/name: pod1/, "name: ../../evil")]) {
    writeFileSync(file, text);
    const { code, err } = await host.peapod("run", "-d", file);
    t.equal(code, EXIT.failed);
    t.match(err, /metadata\.name/);
  }
  t.notOk(existsSync(join(host.dir, "evil")));
});

testWithPeapod("mounts that climb", async (t, host) => {
  const spec = { volumes: [{ name: "data", emptyDir: {} }] };
  for (const mountPath of ["../data", "/data/../../../etc", "/.."]) {
    const pod = host.aPod({ containers: [{ name: "web", volumeMounts: [{ name: "data", mountPath }] }], spec });
    const { code, err } = await host.peapod("run", "-d", pod.file);
    t.equal(code, EXIT.failed, mountPath);
    t.match(err, /mountPath/, mountPath);
    t.notMatch(err, /\n {4}at /);
    t.same(readTraces(host.root), [], mountPath);
  }
});

/** An image of the test's own with links in it. */
function anImage(host: PeapodHost, links: Readonly<Record<string, string>>): string {
  const dir = join(host.dir, "image");
  for (const name of readdirSync(busyboxRootfs())) mkdirSync(join(dir, name), { recursive: true });
  copyFileSync("/bin/busybox", join(dir, "bin/busybox"));
  symlinkSync("busybox", join(dir, "bin/sh"));
  symlinkSync("busybox", join(dir, "bin/sleep"));
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(dir, name));
  return `rootfs:${dir}`;
}

testWithPeapod("mounts on symlinks that lead out of the image", async (t, host) => {
  const outside = join(host.dir, "outside");
  mkdirSync(outside);
  const image = anImage(host, {
    up: "../outside",
    away: "/no-such-top/outside",
    loop: "loop",
    "var/deep": "../up/there",
  });
  const spec = { volumes: [{ name: "data", emptyDir: {} }] };
  const names = ["up", "away", "loop", "var/deep", "up/below/it"];
  for (const name of names) {
    const volumeMounts = [{ name: "data", mountPath: `/${name}` }];
    const pod = host.aPod({ containers: [{ name: "web", image, volumeMounts }], spec });
    await isRefusedEveryWay(
      t,
      host,
      pod,
      /container web: mount on \/\S+: the symlink \/\S+ -> \S+ (climbs|points|is one)/,
    );
    const bundles = join(host.dir, "bundles");
    await isRefused(t, host.root, await host.peapod("bundle", pod.file, "-o", bundles), /symlink/, `bundle ${name}`);
    t.notOk(existsSync(bundles), "no bundle was written");
  }
  t.same(readdirSync(outside), [], "nothing was made outside");
  t.ok(lstatSync(join(host.dir, "image/up")).isSymbolicLink(), "the image is as it was");
});

testWithPeapod("a mount on a symlink that stays in the image is no fault", async (t, host) => {
  const image = anImage(host, { data: "var/data", logs: "/var" });
  mkdirSync(join(host.dir, "image/var/data"));
  const volumeMounts = [
    { name: "a", mountPath: "/data" },
    { name: "b", mountPath: "/logs/here" },
  ];
  const volumes = ["a", "b"].map((name) => ({ name, emptyDir: {} }));
  const run = "echo a > /var/data/x && echo b > /var/here/x; exec sleep 1000";
  const pod = host.aPod({ containers: [{ name: "web", image, run, volumeMounts }], spec: { volumes } });
  await host.must("run", "-d", pod.file);
  t.same(readdirSync(join(host.dir, "image/var")), ["data"], "the image is as it was");
});

/** A root of its own on a file system that has no room. */
async function withSmallDisk(host: PeapodHost, options: string, body: (root: string) => Promise<void>): Promise<void> {
  const disk = join(host.dir, "disk");
  mkdirSync(disk, { recursive: true });
  execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", disk]);
  try {
    await body(join(disk, "run"));
  } finally {
    execFileSync("umount", [disk]);
  }
}

testWithPeapod("a full disk, at whichever step it is full", async (t, host) => {
  const pod = host.aPod({ containers: 2 });
  for (const options of ["4k", "16k", "32k", "48k", "64k", "96k", "128k"]
    .map((size) => `size=${size}`)
    .concat("nr_inodes=8", "nr_inodes=24", "nr_inodes=48")) {
    await withSmallDisk(host, options, async (root) => {
      for (const way of WAYS.slice(0, 2)) {
        const ended = await host.peapod("--root", root, ...way, pod.file);
        const what = `${options}, ${way.join(" ")}`;
        if (ended.code === 0) {
          await host.must("--root", root, "delete", "--force", pod.name);
          t.same(readTraces(root), [], `${what}: came up, and went`);
        } else await isRefused(t, root, ended, /no space left/i, what);
      }
    });
  }
});

testWithPeapod("a pod is deleted though its disk has become full", async (t, host) => {
  const pod = host.aPod({ containers: 2 });
  await withSmallDisk(host, "size=4m", async (root) => {
    await host.must("--root", root, "run", "-d", pod.file);
    try {
      writeFileSync(join(root, "..", "filler"), Buffer.alloc(8 << 20));
    } catch {
      // That is the point.
    }
    t.match(await host.peapod("--root", root, "delete", "--force", pod.name), { code: 0, err: "" });
    t.same(readTraces(root), []);
  });
});
