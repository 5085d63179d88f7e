import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import t from "tap";
import { PeapodError } from "../../../src/base/errors.ts";
import { readAccountFiles } from "../../../src/host/read-account-files.ts";
import { readFileInside } from "../../../src/host/read-inside.ts";

const dir = mkdtempSync(join(tmpdir(), "inside-"));
const root = join(dir, "root");
t.teardown(() => rmSync(dir, { recursive: true }));
mkdirSync(join(root, "etc/deep"), { recursive: true });
mkdirSync(join(root, "usr/lib"), { recursive: true });
writeFileSync(join(dir, "secret"), "outside");
writeFileSync(join(root, "etc/plain"), "inside");
writeFileSync(join(root, "secret"), "inside too");

function read(path: string, max = 100): string {
  try {
    return readFileInside(root, path, max)?.toString() ?? "nothing";
  } catch (error) {
    if (error instanceof PeapodError) return `${error.code} ${error.message}`;
    throw error;
  }
}

t.test("a file is read by the links of its own root, none of which leads out", async (t) => {
  const links: [name: string, target: string, expected: string][] = [
    ["etc/same", "plain", "inside"],
    ["etc/absolute", "/etc/plain", "inside"],
    ["etc/up", "../../../../../etc/plain", "inside"],
    ["etc/climb", "../../secret", "inside too"],
    ["etc/host", join(dir, "secret"), "nothing"],
    ["etc/dangling", "/nowhere/at/all", "nothing"],
    ["etc/self", "self", "BAD_MANIFEST /etc/self: leads through too many symbolic links"],
    ["etc/proc", "/proc/self/root/etc/hostname", "nothing"],
    ["etc/through", "plain/x", "nothing"],
    ["etc/dir", "deep/..", "BAD_MANIFEST /etc/dir: is a directory, not a plain file"],
    ["etc/root", "/", "BAD_MANIFEST /etc/root: is a directory, not a plain file"],
  ];
  for (const [name, target, expected] of links) {
    symlinkSync(target, join(root, name));
    t.equal(read(`/${name}`), expected, `${name} -> ${target}`);
  }
  symlinkSync("/etc", join(root, "usr/lib/etc"));
  t.equal(read("/usr/lib/etc/./absolute"), "inside", "links in the middle too");
  t.equal(read("/../../../etc/plain"), "inside");
  t.equal(read(`/${"x".repeat(300)}`), "nothing");
});

t.test("what is no plain file, or too large, is refused and hangs nobody", async (t) => {
  const at = (name: string) => join(root, "etc", name);
  execFileSync("mkfifo", [at("fifo")]);
  t.equal(read("/etc/fifo"), "BAD_MANIFEST /etc/fifo: is a FIFO, not a plain file");
  if (process.getuid?.() === 0) {
    execFileSync("mknod", [at("zero"), "c", "1", "5"]);
    t.equal(read("/etc/zero"), "BAD_MANIFEST /etc/zero: is a device, not a plain file");
  }
  writeFileSync(at("huge"), "");
  truncateSync(at("huge"), 1 << 40);
  t.equal(read("/etc/huge"), "BAD_MANIFEST /etc/huge: is larger than 100 bytes");
  t.equal(read("/etc/plain", 6), "inside");
  t.equal(read("/etc/plain", 5), "BAD_MANIFEST /etc/plain: is larger than 5 bytes");
  writeFileSync(at("binary"), Buffer.from([0, 255, 10, 0]));
  t.equal(readFileInside(root, "/etc/binary", 10)?.length, 4);
});

t.test("account files that are not there are empty, and one that is no file names its container", async (t) => {
  t.strictSame(readAccountFiles(root, "container web"), { passwd: "", group: "" });
  symlinkSync("/etc/fifo", join(root, "etc/passwd"));
  t.throws(() => readAccountFiles(root, "container web"), {
    message: "container web: /etc/passwd: is a FIFO, not a plain file",
  });
});

t.test("a link that is swapped in while we read never leads out", async (t) => {
  const swapped = join(root, "swap");
  mkdirSync(swapped);
  writeFileSync(join(swapped, "secret"), "inside");
  const script = `
    const { renameSync, symlinkSync, rmSync } = require("node:fs");
    const { workerData: { dir, at } } = require("node:worker_threads");
    symlinkSync(dir, at + ".link");
    for (let round = 0; round < 3000; round += 1) {
      renameSync(at, at + ".dir"); renameSync(at + ".link", at);
      renameSync(at, at + ".link"); renameSync(at + ".dir", at);
    }
    rmSync(at + ".link");`;
  const worker = new Worker(script, { eval: true, workerData: { dir, at: swapped } });
  const over = new Promise((resolve, reject) => worker.once("exit", resolve).once("error", reject));
  let lives = true;
  over.then(() => {
    lives = false;
  });
  const seen = new Set<string>();
  while (lives) {
    for (let round = 0; round < 200; round += 1) seen.add(read("/swap/secret"));
    await new Promise(setImmediate);
  }
  await over;
  t.notOk(seen.has("outside"), [...seen].join(", "));
  t.ok(seen.has("inside"));
});
