// Images run: from a registry, a layout, archives; with what they say of themselves, over a root file system that nobody
// writes to; and what lies in the store is not asked for again.

import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { digestOf, makeImage, readManifestOf, whyNoImages } from "../support/image-layout.ts";
import { filesOf } from "../support/image-store.ts";
import { type PeapodHost, testWithPeapod } from "../support/peapod-host.ts";
import { Registry } from "../support/registry.ts";
import { busyboxRootfs } from "../support/rootfs.ts";

const skip = whyNoImages();
const skipRegistry = whyNoImages("docker-registry");

/** An image with an account, a volume and files of somebody's, and all that a configuration can say. */
function makeShop(layout: string, tag = "1"): void {
  const tree = `${layout}-tree`;
  cpSync(busyboxRootfs(), tree, { recursive: true, verbatimSymlinks: true });
  writeFileSync(join(tree, "etc/passwd"), "root:x:0:0::/:/bin/sh\napp:x:1000:50::/:/bin/sh\n");
  writeFileSync(join(tree, "etc/group"), "root:x:0:\nstaff:x:50:\nmore:x:60:app\n");
  mkdirSync(join(tree, "data"));
  writeFileSync(join(tree, "data/given"), "the image's\n");
  for (const path of ["data", "data/given"]) chownSync(join(tree, path), 1000, 50);
  chmodSync(join(tree, "data"), 0o750);
  const config = [
    "--config.entrypoint",
    "/bin/sh",
    "--config.entrypoint",
    "-c",
    "--config.cmd",
    "echo $WORD; pwd; id; exec sleep 1000",
  ];
  const more = [
    "--config.user",
    "app",
    "--config.env",
    "WORD=hello",
    "--config.workingdir",
    "/data",
    "--config.volume",
    "/data",
  ];
  const last = ["--config.volume", "/empty", "--config.label", "team=shop", "--config.stopsignal", "USR1"];
  makeImage(layout, { tag, trees: [tree], config: [...config, ...more, ...last] });
  rmSync(tree, { recursive: true });
}

/** One container that names an image and, unless told, nothing to run. */
function writePod(
  host: PeapodHost,
  name: string,
  image: string,
  more: Record<string, unknown> = {},
  spec = {},
): string {
  const file = join(host.dir, `${name}.json`);
  writeFileSync(
    file,
    JSON.stringify({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name },
      spec: {
        restartPolicy: "Never",
        terminationGracePeriodSeconds: 1,
        ...spec,
        containers: [{ name: "web", image, ...more }],
      },
    }),
  );
  return file;
}

testWithPeapod(
  "an image of a registry runs as it says itself, and its second pod asks nobody",
  async (t, host) => {
    const layout = join(host.dir, "shop");
    makeShop(layout);
    const registry = await Registry.start(host.dir);
    try {
      const image = registry.push(layout, "1", "team/shop:1");
      const file = writePod(host, "shop", image, {
        args: ["echo $WORD; pwd; id; cat given; stat -c '%u:%g %a' . /empty"],
      });
      const first = await host.peapod("run", file);
      t.equal(first.code, 0, first.err);
      t.strictSame(first.out.split("\n").slice(0, 6), [
        "hello",
        "/data",
        "uid=1000(app) gid=50(staff) groups=50(staff),60(more)",
        "the image's",
        "1000:50 750",
        "0:0 755",
      ]);
      t.match(first.err, `pulling ${image}\n`);
      await registry.stop();
      const second = await host.peapod("run", file);
      t.equal(second.out, first.out);
      t.equal(second.err, "", "nothing is said of what is here");
      await host.must("run", "-d", writePod(host, "shop2", image));
      const [container] = (await host.json<{ containers: { imageId: string; image: string }[] }>("state", "shop2"))
        .containers;
      t.match(container, { image, imageId: `${image.replace(/:1$/, "")}@${digestOf(layout, "1")}` });
      const inspected = JSON.parse(await host.must("inspect", "shop2")) as { plan: { containers: unknown[] } };
      t.match(inspected.plan.containers[0], { stopSignal: "SIGUSR1", imageLabels: { team: "shop" } });
      const always = writePod(host, "always", image, { imagePullPolicy: "Always" });
      t.match((await host.peapod("run", always)).err, /always.json:1\)|cannot be pulled: .*connection refused/);
    } finally {
      await registry.stop();
    }
  },
  { skip: skipRegistry },
);

testWithPeapod(
  "a layout, archives and a directory of skopeo's run; what changes there is pulled anew",
  async (t, host) => {
    const layout = join(host.dir, "layout");
    makeImage(layout, { tag: "a", config: ["--config.cmd", "/bin/echo", "--config.cmd", "one"] });
    const copy = (to: string) => execFileSync("skopeo", ["copy", "--quiet", `oci:${layout}:a`, to]);
    copy(`oci-archive:${host.dir}/oci.tar:a`);
    copy(`docker-archive:${host.dir}/docker.tar:shop:1`);
    copy(`dir:${host.dir}/plain`);
    // Relative to the manifest, as directories are.
    for (const image of [
      "oci:./layout:a",
      "oci:layout",
      "oci-archive:oci.tar",
      "docker-archive:docker.tar",
      "dir:plain",
    ]) {
      const ended = await host.peapod("run", writePod(host, "one", image));
      t.equal(ended.out, "one\n", `${image}: ${ended.err}`);
    }
    makeImage(layout, { tag: "a", config: ["--config.cmd", "/bin/echo", "--config.cmd", "two"] });
    t.equal((await host.peapod("run", writePod(host, "two", "oci:layout:a"))).out, "two\n");
    const never = writePod(host, "three", "oci:layout:a", { imagePullPolicy: "IfNotPresent" });
    makeImage(layout, { tag: "a", config: ["--config.cmd", "/bin/echo", "--config.cmd", "three"] });
    t.equal((await host.peapod("run", never)).out, "two\n", "IfNotPresent does not look");
  },
  { skip },
);

testWithPeapod(
  "an image whose layers are compressed by zstd runs, under its registry's digest, and is not copied twice",
  async (t, host) => {
    const layout = join(host.dir, "layout");
    makeImage(join(host.dir, "gzip"), { tag: "a", config: ["--config.cmd", "/bin/echo", "--config.cmd", "unpacked"] });
    const zstd = ["--quiet", "--dest-compress-format", "zstd"];
    execFileSync("skopeo", ["copy", ...zstd, `oci:${host.dir}/gzip:a`, `oci:${layout}:a`]);
    t.match(readManifestOf(layout, "a"), { layers: [{ mediaType: /\+zstd$/ }] });
    const registry = await Registry.start(host.dir);
    try {
      const image = registry.push(layout, "a", "a:1");
      for (const one of [image, "oci:layout:a"]) {
        const ended = await host.peapod("run", writePod(host, "one", one));
        t.equal(ended.out, "unpacked\n", `${one}: ${ended.err}`);
      }
      await host.must("run", "-d", writePod(host, "two", image));
      const { containers } = await host.json<{ containers: { imageId: string }[] }>("state", "two");
      t.equal(containers[0]?.imageId, `${image.replace(/:1$/, "")}@${digestOf(layout, "a")}`);
      await host.must("delete", "--force", "two");
      t.match((await host.peapod("image", "pull", image)).err, /^$/, "it is looked at, and is here");
      await host.must("image", "rm", image, "oci:layout:a");
      t.strictSame(filesOf(host), [], "nothing of either form stays");
    } finally {
      await registry.stop();
    }
  },
  { skip: skipRegistry },
);

testWithPeapod(
  "containers share the image and none writes to it; in a user namespace its owners are theirs",
  async (t, host) => {
    makeShop(join(host.dir, "shop"));
    const command = [
      "/bin/sh",
      "-c",
      "echo mine >/data/new && cat /data/given && stat -c %u /data /data/given; touch /x 2>&1",
    ];
    // The root of a user namespace is nobody here, and must pass through.
    chmodSync(host.dir, 0o711);
    for (const hostUsers of [true, false]) {
      const more = { command, securityContext: { readOnlyRootFilesystem: true } };
      const ended = await host.peapod("run", writePod(host, "shop", "oci:shop:1", more, { hostUsers }));
      t.equal(ended.out, "the image's\n1000\n1000\ntouch: /x: Read-only file system\n", ended.err);
    }
    const unpacked = join(host.root, "images/unpacked");
    const [hex = ""] = readdirSync(unpacked);
    t.strictSame(readdirSync(join(unpacked, hex, "rootfs/data")), ["given"]);
  },
  { skip },
);

testWithPeapod(
  "an image as a volume: read-only, nothing in it runs, and parts of it that are there",
  async (t, host) => {
    const layout = join(host.dir, "shop");
    makeShop(layout);
    const volumes = [{ name: "files", image: { reference: "oci:shop:1", pullPolicy: "IfNotPresent" } }];
    const mounts = [
      { name: "files", mountPath: "/files" },
      { name: "files", mountPath: "/part", subPath: "data" },
    ];
    const command = ["/bin/sh", "-c", "cat /part/given; touch /files/x 2>&1; /files/bin/busybox true 2>&1 || echo $?"];
    // The root of a user namespace is nobody here, and must pass through.
    chmodSync(host.dir, 0o711);
    for (const hostUsers of [true, false]) {
      const file = writePod(
        host,
        "files",
        `rootfs:${busyboxRootfs()}`,
        { command, volumeMounts: mounts },
        { volumes, hostUsers },
      );
      const ended = await host.peapod("run", file);
      t.match(
        ended.out,
        /^the image's\ntouch: \/files\/x: Read-only file system\n.*Permission denied\n126\n$/,
        ended.err,
      );
    }
    const missing = [{ name: "files", mountPath: "/part", subPath: "none/there" }];
    const file = writePod(
      host,
      "missing",
      `rootfs:${busyboxRootfs()}`,
      { command, volumeMounts: missing },
      { volumes },
    );
    t.match(await host.peapod("run", file), { code: 125, err: /subPath none\/there .*: is not in the volume/ });
  },
  { skip },
);
