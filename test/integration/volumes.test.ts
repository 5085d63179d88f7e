// Volumes as Kubernetes has them: sizes that hold, groups, parts of volumes, mounts that are passed on, and volumes that
// outlive their pods.

import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type PeapodHost, testWithHost, testWithPeapod } from "../support/peapod-host.ts";
import { HostWithSmallDisk } from "../support/small-disk.ts";
import { waitUntil } from "../support/wait-until.ts";

interface Named {
  readonly name: string;
  readonly path: string;
  readonly createdBy: string | null;
  readonly usedBy: readonly string[];
}

const claim = (name: string, more: object = {}) => ({
  name,
  persistentVolumeClaim: { claimName: name, ...more },
});

/** Removes what outlives pods, so that nothing is left of the test. */
async function prune(host: PeapodHost): Promise<void> {
  await host.must("volume", "prune");
}

testWithPeapod("an emptyDir on disk holds as much as its sizeLimit says, and no more", async (t, host) => {
  const pod = host.aPod({
    containers: [
      {
        name: "c",
        run:
          "head -c 20971520 /dev/zero >/data/fits && echo fits; ls /data; head -c 2097152 /dev/zero >/data/more || echo full;" +
          " rm /data/fits; echo again >/data/x && cat /data/x; exec sleep 1000",
        volumeMounts: [{ name: "data", mountPath: "/data" }],
      },
    ],
    spec: { volumes: [{ name: "data", emptyDir: { sizeLimit: "20Mi" } }] },
  });
  await host.must("run", "-d", pod.file);
  await waitUntil("it has tried", async () => (await host.must("logs", pod.name)).includes("again"));
  t.match(await host.must("logs", pod.name), /^fits\nfits\nfull\nagain\n/m);
  const image = join(host.root, "pods", pod.name, "volumes", ".data.img");
  t.ok(statSync(image).blocks * 512 < 26 * 1024 * 1024, "the file takes no more than was written");
  t.ok(execFileSync("losetup", ["-j", image], { encoding: "utf8" }).includes(image), "it lies on a loop device");
  await host.must("delete", "--force", pod.name);
  t.equal(execFileSync("losetup", ["-a"], { encoding: "utf8" }).includes(image), false, "which is gone with the pod");
});

testWithPeapod("fsGroup owns the volumes, and every process is in it", async (t, host) => {
  const mounts = ["disk", "memory", "sized", "store", "conf"].map((name) => ({ name, mountPath: `/${name}` }));
  const pod = host.aPod({
    containers: [
      {
        name: "c",
        run: "for d in disk memory sized store; do echo x >/$d/f || exit 1; stat -c '%a %u:%g %n' /$d /$d/f; done; stat -L -c '%a %u:%g' /conf/n; cat /conf/n; echo; id -G",
        securityContext: { runAsUser: 1000, runAsGroup: 1000 },
        volumeMounts: mounts,
      },
    ],
    spec: {
      securityContext: { fsGroup: 2345 },
      volumes: [
        { name: "disk", emptyDir: {} },
        { name: "memory", emptyDir: { medium: "Memory" } },
        { name: "sized", emptyDir: { sizeLimit: "1Mi" } },
        claim("store"),
        {
          name: "conf",
          downwardAPI: { defaultMode: 0o400, items: [{ path: "n", fieldRef: { fieldPath: "metadata.name" } }] },
        },
      ],
    },
  });
  const { out, err } = await host.peapod("run", pod.file);
  const expected = ["disk", "memory", "sized", "store"].flatMap((d) => [`2777 0:2345 /${d}`, `644 1000:2345 /${d}/f`]);
  t.equal(out, `${expected.join("\n")}\n440 0:2345\npod1\n1000 2345\n`, err);
  await prune(host);
});

testWithPeapod("a named volume outlives its pods, until it is removed", async (t, host) => {
  const mount = { volumeMounts: [{ name: "store", mountPath: "/store" }] };
  const spec = { volumes: [claim("store")] };
  const first = host.aPod({ containers: [{ name: "c", run: "echo kept >/store/note", ...mount }], spec });
  const second = host.aPod({ containers: [{ name: "c", run: "cat /store/note; exec sleep 1000", ...mount }], spec });
  const third = host.aPod({
    containers: [{ name: "c", run: "touch /store/x", ...mount }],
    spec: { volumes: [claim("store", { readOnly: true })] },
  });
  await host.must("run", first.file);
  await host.must("run", "-d", second.file);
  await waitUntil("it reads", async () => (await host.must("logs", second.name)) === "kept\n");
  t.match((await host.peapod("run", third.file)).err, /Read-only file system/);
  const [found] = JSON.parse(await host.must("volume", "inspect", "store")) as Named[];
  t.match(found, {
    name: "store",
    path: join(host.root, "volumes/store/data"),
    createdBy: first.name,
    usedBy: [second.name],
  });
  t.match(await host.must("volume", "list"), /^VOLUME +CREATED +USED BY\nstore +\S.* +pod2\n$/);
  t.match(await host.peapod("volume", "rm", "store"), {
    code: 125,
    err: /volume store: is used by pod2\nhint: delete that pod first/,
  });
  t.equal(await host.must("volume", "prune"), "");
  await host.must("delete", "--force", second.name);
  t.equal(await host.must("volume", "ls", "-q"), "store\n");
  t.equal(await host.must("volume", "rm", "store"), "");
  t.match(await host.peapod("volume", "inspect", "store"), { code: 125, err: /volume store: does not exist/ });
  t.match((await host.peapod("volume", "rm", "../../etc")).err, /does not exist/);
  t.notOk(existsSync(join(host.root, "volumes")));
});

testWithPeapod("a subPath is made when it is missing, and never leads out of its volume", async (t, host) => {
  const data = join(host.dir, "data");
  mkdirSync(join(data, "real/deep"), { recursive: true });
  writeFileSync(join(data, "real/file"), "a file\n");
  symlinkSync("real/deep", join(data, "inside"));
  symlinkSync("../../etc", join(data, "above"));
  symlinkSync("/etc", join(data, "absolute"));
  const run = (subPath: object, script: string, type = "Directory") =>
    host.peapod(
      "run",
      host.aPod({
        containers: [
          {
            name: "c",
            run: script,
            env: [{ name: "WHO", value: "me" }],
            volumeMounts: [{ name: "data", mountPath: "/part", ...subPath }],
          },
        ],
        spec: { volumes: [{ name: "data", hostPath: { path: data, type } }] },
      }).file,
    );
  t.match(await run({ subPath: "inside" }, "echo x >/part/note"), { code: 0 });
  t.equal(readFileSync(join(data, "real/deep/note"), "utf8"), "x\n", "links inside are followed");
  t.match(await run({ subPath: "real/file" }, "cat /part"), { out: "a file\n" });
  t.match(await run({ subPathExpr: "new/$(WHO)" }, "touch /part/made"), { code: 0 });
  t.ok(existsSync(join(data, "new/me/made")));
  for (const path of ["above/passwd", "absolute", "real/../above"]) {
    const { code, err } = await run({ subPath: path }, "ls /part");
    t.equal(code, 125, path);
    t.match(
      err,
      path.includes("..")
        ? /must not contain \.\./
        : /subPath .* \(.*yaml:\d+ .*\): a symbolic link in it leads out of the volume/,
    );
  }
  t.match((await run({ subPath: "real/file/x" }, "")).err, /file is not a directory/);
  t.match(
    (await run({ subPathExpr: "$(NOBODY)" }, "")).err,
    /subPathExpr names NOBODY, which is no variable of its env \(.*yaml:\d+ /,
  );
});

testWithPeapod("readOnly holds, and recursiveReadOnly for what is mounted below as well", async (t, host) => {
  const below = join(host.dir, "tree", "below");
  mkdirSync(below, { recursive: true });
  execFileSync("mount", ["-t", "tmpfs", "none", below]);
  try {
    const run = (more: object) =>
      host.peapod(
        "run",
        host.aPod({
          containers: [
            {
              name: "c",
              run: "touch /tree/x 2>/dev/null || echo held; touch /tree/below/x 2>/dev/null || echo held below",
              volumeMounts: [{ name: "tree", mountPath: "/tree", readOnly: true, ...more }],
            },
          ],
          spec: { volumes: [{ name: "tree", hostPath: { path: join(host.dir, "tree") } }] },
        }).file,
      );
    t.equal((await run({})).out, "held\n");
    t.equal((await run({ recursiveReadOnly: "Enabled" })).out, "held\nheld below\n");
    t.equal((await run({ recursiveReadOnly: "IfPossible" })).out, "held\nheld below\n");
  } finally {
    execFileSync("umount", [below]);
  }
});

/** None that runtimes allow everybody, and opening it changes nothing. */
const DEVICE = ["/dev/fuse", "/dev/loop-control"].find((path) => existsSync(path));

testWithPeapod(
  "a device that a container mounts may be opened, as its readOnly says, by that container alone",
  async (t, host) => {
    chmodSync(host.dir, 0o711);
    const volumes = [
      { name: "device", hostPath: { path: DEVICE, type: "CharDevice" } },
      { name: "bare", hostPath: { path: DEVICE } },
    ];
    const run =
      "for way in '<>' '<' '>'; do (eval : $way/d) 2>/dev/null && echo $way || echo no; done; echo tried; exec sleep 1000";
    const a = (name: string, mount: object) => ({ name, run, volumeMounts: [{ mountPath: "/d", ...mount }] });
    const containers = [
      a("has", { name: "device" }),
      a("reads", { name: "device", readOnly: true }),
      a("not", { name: "bare" }),
    ];
    const pod = host.aPod({ containers, spec: { volumes } });
    await host.must("run", "-d", pod.file);
    const hasSaid = (container: string, expected: string) =>
      waitUntil(`${container} has said ${expected}`, async () => {
        const lines = (await host.must("logs", "-c", container, pod.name)).trim().split("\n");
        return lines.slice(-4).join(" ") === `${expected} tried`;
      });
    await hasSaid("has", "<> < >");
    await hasSaid("reads", "no < no");
    await hasSaid("not", "no no no");
    const changed = [...containers.slice(0, 2), a("not", { name: "device", readOnly: true })];
    const { file } = host.aPod({ name: pod.name, containers: changed, spec: { volumes } });
    await host.must("update", pod.name, "-f", file);
    await hasSaid("not", "no < no");
    t.match((await host.shown(pod)).containers, [{ restartCount: 0 }, { restartCount: 0 }, { restartCount: 1 }]);
  },
  { skip: DEVICE === undefined ? "needs a device" : false },
);

testWithPeapod(
  "a pod with a user namespace may open what the device's own permission bits let it",
  async (t, host) => {
    chmodSync(host.dir, 0o711);
    const c = { name: "c", run: ": <>/d && echo opened", volumeMounts: [{ name: "device", mountPath: "/d" }] };
    const volumes = [{ name: "device", hostPath: { path: "/dev/fuse", type: "CharDevice" } }];
    t.match(await host.peapod("run", host.aPod({ containers: [c], spec: { hostUsers: false, volumes } }).file), {
      code: 0,
      out: "opened\n",
    });
  },
  { skip: DEVICE === "/dev/fuse" ? false : "needs /dev/fuse" },
);

testWithPeapod(
  "mounts that a privileged container makes reach its neighbour, where both ask for it",
  async (t, host) => {
    const pod = host.aPod({
      containers: [
        {
          name: "maker",
          run: "mkdir /shared/m && mount -t tmpfs none /shared/m && echo there >/shared/m/note && touch /shared/done; exec sleep 1000",
          securityContext: { privileged: true },
          volumeMounts: [{ name: "shared", mountPath: "/shared", mountPropagation: "Bidirectional" }],
        },
        {
          name: "sees",
          run: "until [ -e /shared/done ]; do usleep 10000; done; cat /shared/m/note; exec sleep 1000",
          volumeMounts: [{ name: "shared", mountPath: "/shared", mountPropagation: "HostToContainer" }],
        },
        {
          name: "blind",
          volumeMounts: [{ name: "shared", mountPath: "/shared" }],
        },
      ],
      spec: { volumes: [{ name: "shared", emptyDir: {} }] },
    });
    await host.must("run", "-d", pod.file);
    const logs = (container: string) => host.must("logs", "-c", container, pod.name);
    await waitUntil("it has looked", async () => (await logs("sees")) !== "");
    t.equal(await logs("sees"), "there\n");
    const table = await host.must("exec", pod.name, "-c", "blind", "--", "cat", "/proc/self/mountinfo");
    const seen = table.split("\n").find((line) => line.includes(" /shared ")) ?? "";
    t.notMatch(seen, / (shared|master):/, "who does not ask gets a mount of its own");
  },
);

testWithPeapod(
  "mounts of a place on the host that does not pass them on are refused before anything is made",
  async (t, host) => {
    const place = join(host.dir, "place");
    mkdirSync(place);
    execFileSync("mount", ["--bind", place, place]);
    try {
      execFileSync("mount", ["--make-private", place]);
      const pod = host.aPod({
        containers: [
          { name: "c", volumeMounts: [{ name: "v", mountPath: "/v", mountPropagation: "HostToContainer" }] },
        ],
        spec: { volumes: [{ name: "v", hostPath: { path: place } }] },
      });
      t.match(await host.peapod("run", pod.file), {
        code: 125,
        err: /volume v: mounts below .*place are not passed on: .*place is private\nhint: mount --make-rshared/,
      });
      execFileSync("mount", ["--make-shared", place]);
      await host.must("run", "-d", pod.file);
      mkdirSync(join(place, "m"));
      execFileSync("mount", ["-t", "tmpfs", "late", join(place, "m")]);
      try {
        t.match(await host.must("exec", pod.name, "cat", "/proc/mounts"), /^late \/v\/m tmpfs/m);
      } finally {
        execFileSync("umount", [join(place, "m")]);
      }
    } finally {
      execFileSync("umount", [place]);
      rmSync(place, { recursive: true });
    }
  },
);

const HAS_HUGE_PAGES = existsSync("/sys/kernel/mm/hugepages/hugepages-2048kB");

testWithPeapod(
  "huge pages are a hugetlbfs of that size",
  async (t, host) => {
    const pod = host.aPod({
      containers: [{ name: "c", run: "grep /huge /proc/mounts", volumeMounts: [{ name: "huge", mountPath: "/huge" }] }],
      spec: { volumes: [{ name: "huge", emptyDir: { medium: "HugePages-2Mi" } }] },
    });
    t.match(await host.must("run", pod.file), /^hugetlbfs \/huge hugetlbfs .*pagesize=2M/);
  },
  { skip: HAS_HUGE_PAGES ? false : "this kernel has no huge pages of 2 MiB" },
);

testWithPeapod("a projected volume joins its sources, and tells about the pod", async (t, host) => {
  const pod = host.aPod({
    name: "told",
    annotations: { note: 'say "hi"\n' },
    containers: [
      {
        name: "c",
        run: "cd /all; for f in a/name uid annotations cpu mem; do echo $f: $(cat $f); done; echo $NODE $POD_IP; ls -a",
        env: [
          { name: "NODE", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
          { name: "POD_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
        ],
        resources: { limits: { cpu: "1500m", memory: "64Mi" } },
        volumeMounts: [{ name: "all", mountPath: "/all" }],
      },
    ],
    spec: {
      volumes: [
        {
          name: "all",
          projected: {
            sources: [
              {
                downwardAPI: {
                  items: [
                    { path: "a/name", fieldRef: { fieldPath: "metadata.name" } },
                    { path: "uid", fieldRef: { fieldPath: "metadata.uid" } },
                    { path: "annotations", fieldRef: { fieldPath: "metadata.annotations" } },
                    { path: "cpu", resourceFieldRef: { containerName: "c", resource: "limits.cpu" } },
                    {
                      path: "mem",
                      resourceFieldRef: { containerName: "c", resource: "limits.memory", divisor: "1Mi" },
                    },
                  ],
                },
              },
              { configMap: { name: "none", optional: true } },
            ],
          },
        },
      ],
    },
  });
  const node = execFileSync("hostname", { encoding: "utf8" }).trim();
  const out = await host.must("run", pod.file);
  t.match(out, /^uid: [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/m);
  const lines = out.replace(/^uid: .*\n/m, "").split("\n");
  const told = ["a/name: told", 'annotations: note="say \\"hi\\"\\n"', "cpu: 2", "mem: 64", `${node} 127.0.0.1`];
  t.same(lines.slice(0, 5), told);
});

testWithHost(
  "where peapod's own directory is noexec, as /run is on Debian, programs run from volumes all the same",
  () => new HostWithSmallDisk({}, (host) => host.root, "size=64m,mode=711,nosuid,nodev,noexec"),
  async (t, host) => {
    await host.isReady();
    chmodSync(host.dir, 0o711);
    const write = "printf '#!/bin/sh\\necho ran\\n' >/v/x; chmod 755 /v/x; /v/x; cp /v/x /part/; /part/x";
    for (const hostUsers of [true, false]) {
      const pod = host.aPod({
        name: `users-${hostUsers}`,
        containers: [
          {
            name: "c",
            run: `${write}; touch /kept/x /host/x /etc/hostname 2>&1`,
            securityContext: { readOnlyRootFilesystem: true },
            volumeMounts: [
              { name: "v", mountPath: "/v" },
              { name: "v", mountPath: "/part", subPath: "part" },
              { name: "v", mountPath: "/kept", subPath: "kept", readOnly: true },
              { name: "host", mountPath: "/host", readOnly: true },
            ],
          },
        ],
        spec: {
          hostUsers,
          volumes: [
            { name: "v", emptyDir: {} },
            { name: "host", hostPath: { path: join(host.root, "theirs"), type: "DirectoryOrCreate" } },
          ],
        },
      });
      const { out, err } = await host.peapod("run", pod.file);
      const refused = ["/kept/x", "/host/x", "/etc/hostname"].map((path) => `touch: ${path}: Read-only file system\n`);
      t.equal(out, `ran\nran\n${refused.join("")}`, err);
    }
  },
);
