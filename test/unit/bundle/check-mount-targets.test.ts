import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { PeapodError } from "../../../src/base/errors.ts";
import { checkMountTargets } from "../../../src/bundle/check-mount-targets.ts";
import { aPlan } from "../../support/planning.ts";

function refusalOf(rootfs: string, mountPath: string): string {
  const plan = aPlan(
    {
      spec: { volumes: [{ name: "v", emptyDir: {} }] },
      containers: { web: { volumeMounts: [{ name: "v", mountPath }] } },
    },
    { rootfs },
  );
  try {
    checkMountTargets(plan);
  } catch (error) {
    if (error instanceof PeapodError) return `${error.code} ${error.message}`;
    throw error;
  }
  return "fine";
}

t.test("symlinks that stay in the root file system are followed, those that lead out are refused", (t) => {
  const rootfs = join(t.testdir({ inside: { deep: {} }, etc: {} }));
  const links: [string, string][] = [
    ["relative", "inside"],
    ["absolute", "/inside"],
    ["chain", "relative/deep"],
    ["run", "/etc/run"],
    ["up", "../../../../etc"],
    ["inside/up", "../../etc"],
    ["inside/back", "../etc"],
    ["out", "/nowhere/on/the/host"],
    ["to-out", "inside/up"],
    ["loop", "loop"],
    ["dangling", "inside/not-yet"],
    ["root", "/"],
  ];
  for (const [path, target] of links) symlinkSync(target, join(rootfs, path));
  const rows: [string, string | RegExp][] = [
    ["/data", "fine"],
    ["/inside/deep/new", "fine"],
    ["/relative/x", "fine"],
    ["/absolute/x", "fine"],
    ["/chain/x", "fine"],
    ["/run/x", "fine"],
    ["/inside/back/x", "fine"],
    ["/dangling/x", "fine"],
    ["/root/inside", "fine"],
    [
      "/up/x",
      /^BAD_MANIFEST container web: mount on \/up\/x: the symlink \/up -> \.\.\/\.\.\/\.\.\/\.\.\/etc climbs out of its root file system \(pod.yaml:\d+/,
    ],
    ["/inside/up/x", /the symlink \/inside\/up -> \.\.\/\.\.\/etc climbs out/],
    ["/out/x", /the symlink \/out -> .* points out of its root file system/],
    ["/out", /points out/],
    ["/to-out/x", /climbs out/],
    ["/loop/x", /one of too many in a row/],
  ];
  for (const [path, expected] of rows) t.match(refusalOf(rootfs, path), expected, path);
  t.end();
});

t.test("an image that links /etc/resolv.conf to where its boot would put it is fine", (t) => {
  const rootfs = t.testdir({ etc: {} });
  symlinkSync("/run/systemd/resolve/stub-resolv.conf", join(rootfs, "etc", "resolv.conf"));
  t.equal(refusalOf(rootfs, "/data"), "fine");
  mkdirSync(join(rootfs, "other"));
  symlinkSync("../../hosts", join(rootfs, "etc", "hosts"));
  t.match(
    refusalOf(rootfs, "/data"),
    /mount on \/etc\/hosts: the symlink \/etc\/hosts -> \.\.\/\.\.\/hosts climbs out/,
  );
  t.end();
});
