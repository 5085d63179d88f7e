import { spawn } from "node:child_process";
import { appendFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { ExitInbox } from "../../../src/exits/inbox.ts";
import { ended } from "./fixtures/a-reaper.ts";

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
