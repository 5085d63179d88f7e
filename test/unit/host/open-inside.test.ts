import { spawn } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { openInside } from "../../../src/host/open-inside.ts";

function aVolume(): string {
  const dir = mkdtempSync(join(tmpdir(), "pt-inside-"));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const volume = join(dir, "volume");
  mkdirSync(join(volume, "a/b"), { recursive: true });
  mkdirSync(join(dir, "outside"));
  writeFileSync(join(volume, "a/file"), "x");
  return volume;
}

/** Where an opened path really is. */
function placeOf(volume: string, path: string): string {
  const { fd } = openInside(volume, path, "it");
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } finally {
    closeSync(fd);
  }
}

t.test("directories, files and links that stay inside", async (t) => {
  const volume = aVolume();
  symlinkSync("a/../a/b/..", join(volume, "round"));
  t.equal(placeOf(volume, "a/b"), join(volume, "a/b"));
  t.equal(placeOf(volume, "round/file"), join(volume, "a/file"));
  t.equal(placeOf(volume, ""), volume);
});

t.test("what is missing is made with the volume's own mode", async (t) => {
  const volume = aVolume();
  t.equal(placeOf(volume, "new/deep"), join(volume, "new/deep"));
  t.equal(statSync(join(volume, "new")).mode & 0o7777, statSync(volume).mode & 0o7777);
});

t.test("links that lead out, begin at the root, or go round for ever are refused", async (t) => {
  const volume = aVolume();
  symlinkSync("../outside", join(volume, "above"));
  symlinkSync("/etc", join(volume, "absolute"));
  symlinkSync("a/../../volume/a", join(volume, "out-and-in"));
  symlinkSync("loop", join(volume, "loop"));
  for (const path of ["above", "above/x", "absolute/passwd", "out-and-in", "loop"])
    t.throws(
      () => placeOf(volume, path),
      { code: "NOT_PERMITTED", message: "it: a symbolic link in it leads out of the volume" },
      path,
    );
  t.throws(() => placeOf(volume, "a/file/x"), { code: "WRONG_STATE", message: /file is not a directory/ });
});

t.test("whoever swaps a directory for a link meanwhile gains nothing", async (t) => {
  const volume = aVolume();
  const script = `cd ${volume}; mkdir -p sw/t; ln -s ../outside evil; while :; do mv sw kept; ln -s ../outside sw; rm sw; mv kept sw; done`;
  const swapper = spawn("sh", ["-c", script], { stdio: "ignore", detached: true });
  t.teardown(() => process.kill(-(swapper.pid as number), "SIGKILL"));
  const end = Date.now() + 1500;
  let opened = 0;
  while (Date.now() < end) {
    try {
      const place = placeOf(volume, "sw/t");
      opened += 1;
      if (!place.startsWith(`${volume}/`)) t.fail(place);
    } catch {
      // Refused, or gone at that instant.
    }
  }
  t.ok(opened > 0, `${opened} times`);
});
