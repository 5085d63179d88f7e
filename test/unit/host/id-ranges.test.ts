import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { giveBack } from "../../../src/host/claims.ts";
import { RANGE_SIZE, takeIds } from "../../../src/host/id-ranges.ts";
import { readProcess } from "../../../src/host/processes.ts";

const POOL = (ranges: number) => ({
  uid: { first: 1000, count: ranges * RANGE_SIZE },
  gid: { first: 5000, count: ranges * RANGE_SIZE + 1 },
});

t.test("no two have one range, and what is given back is taken again", async (t) => {
  const base = mkdtempSync(join(tmpdir(), "ids-"));
  t.teardown(() => rmSync(base, { recursive: true, force: true }));
  const dir = join(base, "run", "ids");
  const one = takeIds(dir, POOL(2), "/pods/one");
  const two = takeIds(dir, POOL(2), "/pods/one");
  t.strictSame(one.subordinateIds, {
    uid: { first: 1000, count: RANGE_SIZE },
    gid: { first: 5000, count: RANGE_SIZE },
  });
  t.equal(two.subordinateIds.uid.first, 1000 + RANGE_SIZE);
  t.throws(() => takeIds(dir, POOL(2), "/pods/three"), {
    code: "OUT_OF_RESOURCES",
    message: "user namespace: all 2 ranges of 65536 ids are taken",
  });
  giveBack(one.file);
  giveBack(one.file);
  t.equal(takeIds(dir, POOL(2), "/pods/three").file, one.file);
  giveBack(one.file);
  giveBack(two.file);
  t.notOk(existsSync(dir), "the last takes the directory along");
  t.throws(() => takeIds(dir, POOL(0), "/pods/none"), { code: "OUT_OF_RESOURCES" });
});

t.test("without subuid(5) ranges come from where nobody's users are", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "ids-"));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const { uid, gid } = takeIds(dir, undefined, "/pods/one").subordinateIds;
  t.ok(uid.first >= 0x8_0000 && uid.first + uid.count <= 0x7000_0000, "in what systemd leaves to containers");
  t.strictSame(uid, gid);
});

t.test("where all are taken, those of pods that are gone are taken over, and no other", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "ids-"));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const pod = join(dir, "pods", "old");
  mkdirSync(pod, { recursive: true });
  const ids = join(dir, "ids");
  const { file } = takeIds(ids, POOL(1), pod);
  const isTaken = (why: string) => t.throws(() => takeIds(ids, POOL(1), "/new"), { code: "OUT_OF_RESOURCES" }, why);
  isTaken("its process, which is ours, lives");
  const startTime = (readProcess(process.pid)?.startTime ?? 0) + 1;
  writeFileSync(file, JSON.stringify({ pod, pid: process.pid, startTime }));
  writeFileSync(join(pod, "plan.json"), JSON.stringify({ sandbox: { idsFile: file } }));
  isTaken("its pod has a plan with it");
  writeFileSync(join(pod, "plan.json"), JSON.stringify({ sandbox: { idsFile: "another" } }));
  t.equal(takeIds(ids, POOL(1), "/new").file, file);
  writeFileSync(file, "{");
  isTaken("half a claim is somebody's");
});
