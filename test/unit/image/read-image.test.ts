import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { readImage } from "../../../src/image/read-image.ts";

t.test("a directory is an image that says nothing of itself", async (t) => {
  const dir = t.testdir({ site: {} });
  const image = readImage(`rootfs:${dir}/site`, "container web", "pod.yaml:14");
  t.strictSame(image, {
    reference: `rootfs:${dir}/site`,
    rootfs: join(dir, "site"),
    config: {
      entrypoint: [],
      cmd: [],
      env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
      workingDir: "/",
    },
  });
});

t.test("no symlink is left in the root file system's path", async (t) => {
  const dir = t.testdir({ real: { site: {} } });
  symlinkSync(join(dir, "real"), join(dir, "link"));
  t.equal(readImage(`rootfs:${dir}/link/site`, "container web", "pod.yaml:14").rootfs, join(dir, "real", "site"));
});

t.test("what is no root file system says who asked for it, and where", async (t) => {
  const dir = t.testdir({});
  writeFileSync(join(dir, "file"), "");
  symlinkSync("loop", join(dir, "loop"));
  for (const [reference, code, message] of [
    [`rootfs:${dir}/none`, "NOT_FOUND", `container web: rootfs ${dir}/none does not exist (pod.yaml:14)`],
    [`rootfs:${dir}/file/x`, "NOT_FOUND", `container web: rootfs ${dir}/file/x does not exist (pod.yaml:14)`],
    [`rootfs:${dir}/file`, "BAD_MANIFEST", `container web: rootfs ${dir}/file is not a directory (pod.yaml:14)`],
    [
      `rootfs:${dir}/loop`,
      "BAD_MANIFEST",
      `container web: rootfs ${dir}/loop is a symbolic link to itself (pod.yaml:14)`,
    ],
    ["rootfs:./site", "BAD_MANIFEST", "container web: rootfs ./site is not an absolute path (pod.yaml:14)"],
    ["rootfs:/usr/..", "BAD_MANIFEST", "container web: rootfs /usr/.. is the host's own root (pod.yaml:14)"],
    ["nginx", "NOT_SUPPORTED", "container web: image nginx is not supported yet (pod.yaml:14)"],
  ] as const) {
    t.throws(() => readImage(reference, "container web", "pod.yaml:14"), { code, message }, reference);
  }
});
