import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { isProcessGone } from "../../../src/exits/process-gone.ts";
import { isReaperAlive, readReaperPid } from "../../../src/exits/reaper.ts";
import { buildNative } from "../../support/native.ts";
import { AReaper } from "./fixtures/a-reaper.ts";
import { eventually } from "./fixtures/eventually.ts";

const home = t.testdir({});
const program = buildNative(home, "peapod-reaper");
const SOURCE = join(import.meta.dirname, "../../../src/exits/reaper.ts");
/** A supervisor in Node that settles in each of its arguments and tells how that went, then ends the pod. */
const SETTLER = join(home, "settler.mjs");
writeFileSync(
  SETTLER,
  `import { rmSync, writeSync } from "node:fs";
   const { settle } = await import(${JSON.stringify(SOURCE)});
   for (const dir of process.argv.slice(2)) {
     await settle(8, dir).then(() => writeSync(6, "ok\\n"), (error) => writeSync(6, error.code + " " + error.message + "\\n"));
     rmSync(dir + "/exits", { force: true });
   }
   writeSync(5, Buffer.from([0]));`,
);

function settleIn(...dirs: string[]): string {
  const result = spawnSync(program, ["launch", process.execPath, SETTLER, "--", ...dirs], { encoding: "utf8" });
  return result.stdout;
}

t.test("settle returns when exits and the control socket are there", async (test) => {
  const dir = join(home, "one");
  mkdirSync(dir);
  test.equal(settleIn(dir), "ok\n");
  test.ok(existsSync(join(dir, "control.sock")));
});

t.test("settle says why it failed, by code and name, and can be tried again", async (test) => {
  const taken = new AReaper(program, join(home, "taken"));
  test.teardown(() => taken.end());
  await taken.launch(0);
  const free = join(home, "free");
  mkdirSync(free);
  const [missing, other, ok] = settleIn(join(home, "nowhere"), taken.dir, free).split("\n");
  test.match(missing, /^BUG .*nowhere: its reaper cannot settle there: 2 /);
  test.match(other, /^ALREADY_EXISTS .*taken: another reaper is settled there$/);
  test.equal(ok, "ok");
});

t.test("a reaper is alive only in its own directory, under whatever path", async (test) => {
  const reaper = new AReaper(program, join(home, "alive"));
  test.teardown(() => reaper.end());
  await reaper.launch(0);
  test.ok(isReaperAlive(reaper.dir));
  symlinkSync(reaper.dir, join(home, "link"));
  test.ok(isReaperAlive(join(home, "link")));
  mkdirSync(join(home, "other"));
  writeFileSync(join(home, "other", "reaper.pid"), `${reaper.pid}\n`);
  test.notOk(isReaperAlive(join(home, "other")));
  const { pid } = reaper;
  process.kill(pid, "SIGKILL");
  await eventually(() => isProcessGone(pid));
  test.notOk(isReaperAlive(reaper.dir));
  test.equal(readReaperPid(reaper.dir), pid);
});

t.test("where no reaper was, none is alive", async (test) => {
  const dir = test.testdir({
    full: { "reaper.pid": "" },
    odd: { "reaper.pid": "-1\n" },
    ours: { "reaper.pid": `${process.pid}\n` },
  });
  for (const name of ["none", "full", "odd", "ours"]) test.notOk(isReaperAlive(join(dir, name)));
  test.equal(readReaperPid(join(dir, "none")), undefined);
  test.equal(readReaperPid(join(dir, "full")), undefined);
  test.equal(readReaperPid(join(dir, "odd")), undefined);
});
