import { spawn, spawnSync } from "node:child_process";
import { appendFileSync, mkdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { ExitInbox } from "../../../src/exits/inbox.ts";
import { readExitLines } from "../../../src/exits/read-exits.ts";
import { buildNative } from "../../support/native.ts";
import { ended } from "./fixtures/a-reaper.ts";

const program = buildNative(t.testdir({}), "peapod-reaper");
const TIME = "1764000000.123456789";

function anInbox(test: Test, text = "") {
  const path = join(test.testdir({ exits: text }), "exits");
  return { path, inbox: new ExitInbox(path), write: (more: string) => appendFileSync(path, more) };
}

t.test("new lines are given out once, in order", async (test) => {
  const { inbox, write } = anInbox(test, `1 exited 0 ${TIME}\n`);
  test.strictSame(
    inbox.readNew().map((line) => line.pid),
    [1],
  );
  test.strictSame(inbox.readNew(), []);
  write(`2 exited 0 ${TIME}\n3 killed 9 ${TIME}\n4 exi`);
  test.strictSame(
    inbox.readNew().map((line) => line.pid),
    [2, 3],
  );
  write(`ted 4 ${TIME}\n`);
  test.match(inbox.readNew(), [{ pid: 4, exit: { kind: "exited", code: 4 } }]);
});

t.test("lines that something else came upon first are still given out as new", async (test) => {
  const { inbox } = anInbox(test, `1 exited 0 ${TIME}\n`);
  test.equal(inbox.end, 32);
  test.match(inbox.claim(1, 0), { kind: "exited" });
  test.strictSame(
    inbox.readNew().map((line) => line.pid),
    [1],
  );
});

t.test("an exit is claimed once, and only by who came before it", async (test) => {
  const { inbox, write } = anInbox(test, `7 exited 1 ${TIME}\n`);
  const since = inbox.end;
  test.equal(inbox.claim(7, since), undefined);
  write(`7 exited 2 ${TIME}\n`);
  test.match(inbox.claim(7, since), { code: 2 });
  test.equal(inbox.claim(7, since), undefined);
  test.match(inbox.unclaimed(), [{ pid: 7, exit: { code: 1 } }]);
  test.match(inbox.claim(7, 0), { code: 1 });
  test.strictSame(inbox.unclaimed(), []);
});

t.test("of two processes with one pid the older one's exit is claimed first", async (test) => {
  const { inbox } = anInbox(test, `7 exited 1 ${TIME}\n7 exited 2 ${TIME}\n`);
  test.match(inbox.claim(7, 0), { code: 1 });
  test.match(inbox.claim(7, 0), { code: 2 });
});

t.test("waitFor resolves with an exit that is there, and with one that comes", async (test) => {
  const { inbox, write } = anInbox(test, `7 exited 1 ${TIME}\n`);
  test.match(await inbox.waitFor(7, 0), { code: 1 });
  const waiting = inbox.waitFor(8, 0);
  write(`9 exited 9 ${TIME}\n`);
  inbox.readNew();
  write(`8 killed 15 ${TIME}\n`);
  inbox.readNew();
  test.match(await waiting, { kind: "killed", signal: 15 });
});

t.test("waitFor can be given up", async (test) => {
  const { inbox, write } = anInbox(test);
  const abort = new AbortController();
  const waiting = inbox.waitFor(8, 0, abort.signal);
  abort.abort(new Error("enough"));
  await test.rejects(waiting, { message: "enough" });
  await test.rejects(inbox.waitFor(8, 0, abort.signal), { message: "enough" });
  write(`8 exited 0 ${TIME}\n`);
  test.match(inbox.claim(8, 0), { kind: "exited" }, "it claimed nothing");
});

t.test("waitForEnd resolves when the process is gone, with or without a line, and claims nothing", async (test) => {
  const { inbox, write } = anInbox(test);
  const child = spawn("sh", ["-c", "read -r x"], { stdio: ["pipe", "ignore", "ignore"] });
  const waiting = inbox.waitForEnd(child.pid!, 20_000);
  let isOver = false;
  void waiting.then(() => {
    isOver = true;
  });
  await inbox.waitForEnd(child.pid!, 1);
  test.notOk(isOver, "its own deadline passed, the other's did not");
  child.stdin!.end("\n");
  await ended(child);
  write(`${child.pid} exited 0 ${TIME}\n`);
  await waiting;
  test.match(inbox.claim(child.pid!, 0), { kind: "exited" });
  await inbox.waitForEnd(child.pid!, 20_000);
});

t.test("a file that is not there, or no more, has no new lines", async (test) => {
  const { inbox, path } = anInbox(test, `1 exited 0 ${TIME}\n`);
  inbox.readNew();
  rmSync(path);
  test.strictSame(inbox.readNew(), []);
  test.match(inbox.unclaimed(), [{ pid: 1 }]);
});

t.test("a long file is read as a whole", async (test) => {
  const { inbox } = anInbox(test, `1 exited 0 ${TIME}\n`.repeat(5000));
  test.equal(inbox.readNew().length, 5000);
});

t.test("what is forgotten is not read again, but for whom somebody looks for", async (test) => {
  const { inbox, path, write } = anInbox(test, `1 exited 1 ${TIME}\n2 exited 2 ${TIME}\n3 exited 3 ${TIME}\n`);
  const line = 32;
  test.match(inbox.claim(2, 0), { code: 2 });
  inbox.readNew();
  test.equal(inbox.unforgottenBytes, 3 * line);
  test.equal(inbox.forget(2 * line, new Set([2])), 0, "nothing is given back yet: somebody may just read it");
  test.equal(inbox.unforgottenBytes, line);
  test.match(inbox.unclaimed(), [{ pid: 3 }], "the claimed stays claimed here");
  write(`4 exited 4 ${TIME}\n`);
  test.equal(inbox.forget(line, new Set([1])), 0, "and never less than before");
  const next = new ExitInbox(path);
  const both = [
    { pid: 2, exit: { code: 2 }, offset: line },
    { pid: 3, offset: 2 * line },
    { pid: 4, offset: 3 * line },
  ];
  test.match(next.unclaimed(), both, "and is looked for by the next supervisor");
  test.match(readExitLines(path), both);
  test.equal(next.end, 4 * line, "offsets are what they were");
  test.equal(next.forget(4 * line, new Set()), 2 * line, "what the first one had forgotten");
  test.strictSame(new ExitInbox(path).unclaimed(), []);
  test.strictSame(readExitLines(path), []);
});

t.test("a hole before what is read costs nothing, and offsets behind it stay", async (test) => {
  const { inbox, path, write } = anInbox(test, `1 exited 1 ${TIME}\n`.repeat(4000));
  inbox.readNew();
  const { end } = inbox;
  inbox.forget(end, new Set());
  write(`2 exited 2 ${TIME}\n`);
  const given = inbox.forget(inbox.end, new Set([2]));
  test.equal(given, end);
  test.equal(spawnSync(program, ["forget", path, String(given)]).status, 0);
  test.ok(statSync(path).blocks * 512 <= 8192, "its disk is given back");
  test.equal(statSync(path).size, end + 32);
  test.match(new ExitInbox(path).unclaimed(), [{ pid: 2, offset: end }]);
  write(`3 exited 3 ${TIME}\n`);
  test.match(readExitLines(path), [{ pid: 2 }, { pid: 3, offset: end + 32 }]);
});

t.test("a full disk forgets nothing", async (test) => {
  const { inbox, path } = anInbox(test, `1 exited 1 ${TIME}\n`);
  inbox.readNew();
  mkdirSync(`${path}-claimed`);
  test.throws(() => inbox.forget(32, new Set()));
  test.match(inbox.unclaimed(), [{ pid: 1 }]);
  test.equal(inbox.unforgottenBytes, 32);
});
