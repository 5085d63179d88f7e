// Real overlays, tmpfs and bind mounts in directories of the test's own.

import { execFileSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import t from "tap";
import { isWithin, readMountTable } from "../../src/host/mount-table.ts";
import { mountAll, unmountBelow } from "../../src/host/mounts.ts";
import { removeTree } from "../../src/host/volumes.ts";
import type { HostMount } from "../../src/plan/plan.ts";
import { aTempDir, type Tree } from "../support/temp-dir.ts";

/** An overlay over `lower`, with all of its directories below `dir`. */
function anOverlay(dir: string, lower: string): HostMount {
  const at = (name: string) => join(dir, name);
  return {
    target: at("rootfs"),
    type: "overlay",
    source: "overlay",
    options: [`lowerdir=${lower}`, `upperdir=${at("upper")}`, `workdir=${at("work")}`],
    directories: ["rootfs", "upper", "work"].map((name) => ({
      path: at(name),
      mode: name === "upper" ? 0o755 : 0o700,
    })),
  };
}

function aTmpfs(target: string): HostMount {
  return { target, type: "tmpfs", source: "tmpfs", options: ["size=64k", "mode=1777"], directories: [] };
}

function mountsBelow(dir: string): string[] {
  return readMountTable()
    .map((mount) => mount.target)
    .filter((target) => isWithin(target, dir));
}

/** A directory for mounts; they go with the test, whatever it did. */
function aPlace(t: Parameters<typeof aTempDir>[0], tree: Tree = {}): string {
  return aTempDir(t, tree, unmountBelow);
}

t.test("all mounts are made at once, a second time nothing is done, and no file of ours stays", async (t) => {
  const dir = aPlace(t, { lower: { hello: "from below" } });
  const mounts = [
    anOverlay(join(dir, "web"), join(dir, "lower")),
    aTmpfs(join(dir, "shm")),
    anOverlay(join(dir, "log"), join(dir, "lower")),
  ];
  await mountAll(mounts);
  await mountAll(mounts);
  t.equal(mountsBelow(dir).length, 3);
  writeFileSync(join(dir, "web/rootfs/hello"), "changed");
  t.equal(readFileSync(join(dir, "log/rootfs/hello"), "utf8"), "from below");
  t.equal(readFileSync(join(dir, "lower/hello"), "utf8"), "from below");
  t.equal(statSync(join(dir, "web/upper")).mode & 0o7777, 0o755);
  t.strictSame(readdirSync(dir), ["log", "lower", "shm", "web"]);
});

t.test("paths with blanks, commas and backslashes are mounted as they are", async (t) => {
  const dir = aPlace(t, { "a b,c\\d#e": { lower: { hello: "there" } } });
  const odd = join(dir, "a b,c\\d#e");
  // A backslash is overlay's own escape, so who plans its options writes it twice.
  const overlay = anOverlay(odd, join(odd, "lower"));
  const options = overlay.options.map((option) => option.replaceAll("\\", "\\\\"));
  await mountAll([{ ...overlay, options }]);
  t.equal(readFileSync(join(odd, "rootfs/hello"), "utf8"), "there");
  t.strictSame(mountsBelow(dir), [join(odd, "rootfs")]);
});

t.test("a missing layer is named, with the mount that it is missing from", async (t) => {
  const dir = aPlace(t, { lower: {} });
  const mounts = [anOverlay(join(dir, "good"), join(dir, "lower")), anOverlay(join(dir, "bad"), join(dir, "none"))];
  await t.rejects(mountAll(mounts), {
    code: "NOT_FOUND",
    message: `mount ${join(dir, "bad/rootfs")}: ${join(dir, "none")} does not exist`,
  });
  t.strictSame(readdirSync(join(dir, "good")), ["rootfs", "upper", "work"], "no file of ours stays");
});

t.test("a file system that this kernel has not is what the host lacks", async (t) => {
  const dir = aPlace(t);
  await t.rejects(mountAll([{ ...aTmpfs(join(dir, "x")), type: "nosuchfs" }]), {
    code: "HOST_LACKS",
    message: /nosuchfs/,
  });
});

t.test(
  "all below a directory is unmounted, also what lies on another mount, twice on one point, and by a symlink",
  async (t) => {
    const dir = aPlace(t, { pod: {}, beside: {} });
    symlinkSync(join(dir, "pod"), join(dir, "link"));
    await mountAll([aTmpfs(join(dir, "beside")), aTmpfs(join(dir, "pod/outer"))]);
    await mountAll([aTmpfs(join(dir, "pod/outer/inner"))]);
    execFileSync("mount", ["-t", "tmpfs", "tmpfs", join(dir, "pod/outer/inner")]);
    t.strictSame(await unmountBelow(join(dir, "link")), []);
    t.strictSame(mountsBelow(dir), [join(dir, "beside")]);
    await t.resolves(unmountBelow(join(dir, "none")));
  },
);

t.test("what is busy to the end is taken off the tree, and we are told", async (t) => {
  const dir = aPlace(t);
  const target = join(dir, "busy");
  await mountAll([aTmpfs(target)]);
  const file = openSync(join(target, "open"), "w");
  t.teardown(() => closeSync(file));
  t.strictSame(await unmountBelow(dir), [target]);
  t.strictSame(mountsBelow(dir), []);
});

t.test("a tree with somebody else's data mounted in it is never emptied", async (t) => {
  const dir = aPlace(t, { theirs: { precious: "data" }, ours: { volumes: {} } });
  const bound = join(dir, "ours/volumes/host");
  mkdirSync(bound);
  execFileSync("mount", ["--bind", join(dir, "theirs"), bound]);
  t.throws(() => removeTree(join(dir, "ours")), { code: "WRONG_STATE", message: new RegExp(bound) });
  t.ok(existsSync(join(dir, "theirs/precious")));
  await unmountBelow(join(dir, "ours"));
  removeTree(join(dir, "ours"));
  t.notOk(existsSync(join(dir, "ours")));
  t.ok(existsSync(join(dir, "theirs/precious")));
});
