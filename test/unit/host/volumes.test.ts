import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import t from "tap";
import { makeVolumes, removeTree } from "../../../src/host/volumes.ts";
import type { PlannedVolume } from "../../../src/plan/plan.ts";

type HostVolume = Extract<PlannedVolume, { kind: "host" }>;

function aHostPath(path: string, type: HostVolume["type"]): HostVolume {
  return { kind: "host", name: "data", path, type };
}

function modeOf(path: string): number {
  return statSync(path).mode & 0o7777;
}

t.test("an emptyDir is open to all, whatever the umask, and again after a call that died half-way", async (t) => {
  const path = join(t.testdir(), "volumes/shared");
  const before = process.umask(0o077);
  t.teardown(() => process.umask(before));
  makeVolumes([{ kind: "directory", name: "shared", path }]);
  makeVolumes([{ kind: "directory", name: "shared", path }]);
  t.equal(modeOf(path), 0o777);
});

t.test("hostPaths that shall be made are made with Kubernetes' modes, and then left alone", async (t) => {
  const dir = t.testdir();
  const before = process.umask(0o077);
  t.teardown(() => process.umask(before));
  makeVolumes([aHostPath(join(dir, "d"), "DirectoryOrCreate"), aHostPath(join(dir, "f"), "FileOrCreate")]);
  t.equal(modeOf(join(dir, "d")), 0o755);
  t.equal(modeOf(join(dir, "f")), 0o644);
  writeFileSync(join(dir, "f"), "kept", { mode: 0o600 });
  makeVolumes([aHostPath(join(dir, "f"), "FileOrCreate")]);
  t.equal(readFileSync(join(dir, "f"), "utf8"), "kept");
});

t.test("FileOrCreate makes no directories", async (t) => {
  const path = join(t.testdir(), "missing/f");
  t.throws(() => makeVolumes([aHostPath(path, "FileOrCreate")]), {
    code: "NOT_FOUND",
    message: new RegExp(`data.*${path}`),
  });
});

t.test("a hostPath that is not there is an error that names volume and path", async (t) => {
  const path = join(t.testdir(), "none");
  for (const type of ["", "Directory", "File", "Socket", "CharDevice", "BlockDevice"] as const) {
    t.throws(() => makeVolumes([aHostPath(path, type)]), {
      code: "NOT_FOUND",
      message: `volume data: hostPath ${path} does not exist`,
      hint: ["", "Directory", "File"].includes(type) ? "type DirectoryOrCreate makes a directory" : undefined,
    });
  }
});

t.test("each type takes only its own", async (t) => {
  const dir = t.testdir({ file: "x", directory: {} });
  const server = createServer().listen(join(dir, "s"));
  t.teardown(() => server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  const things: Readonly<Record<string, readonly HostVolume["type"][]>> = {
    [join(dir, "file")]: ["", "File", "FileOrCreate"],
    [join(dir, "directory")]: ["", "Directory", "DirectoryOrCreate"],
    [join(dir, "s")]: ["", "Socket"],
    "/dev/null": ["", "CharDevice"],
  };
  const types = [
    "",
    "File",
    "FileOrCreate",
    "Directory",
    "DirectoryOrCreate",
    "Socket",
    "CharDevice",
    "BlockDevice",
  ] as const;
  for (const [path, right] of Object.entries(things)) {
    for (const type of types) {
      if (right.includes(type)) t.doesNotThrow(() => makeVolumes([aHostPath(path, type)]), `${path} as ${type}`);
      else t.throws(() => makeVolumes([aHostPath(path, type)]), { code: "WRONG_STATE" }, `${path} is no ${type}`);
    }
  }
});

t.test("a tree goes, and what its symlinks point to stays", async (t) => {
  const dir = t.testdir({ theirs: { file: "x" }, ours: { a: { b: "y" } } });
  symlinkSync(join(dir, "theirs"), join(dir, "ours/link"));
  symlinkSync(join(dir, "theirs"), join(dir, "itself"));
  removeTree(join(dir, "ours"));
  removeTree(join(dir, "itself"));
  t.notOk(existsSync(join(dir, "ours")));
  t.notOk(existsSync(join(dir, "itself")));
  t.ok(existsSync(join(dir, "theirs/file")));
});

t.test("what is not there is removed already", async (t) => {
  const dir = t.testdir();
  mkdirSync(join(dir, "d"));
  t.doesNotThrow(() => removeTree(join(dir, "none/at/all")));
  t.doesNotThrow(() => removeTree(join(dir, "none")));
});
