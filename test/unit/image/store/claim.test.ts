import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { isClaimed, withClaim } from "../../../../src/image/store/claim.ts";
import { makeMark } from "../../../../src/image/store/maker.ts";
import { sweep, withSideDir } from "../../../../src/image/store/side-dirs.ts";

t.test("one at a time, and who waits is told once", async (t) => {
  const store = t.testdir();
  const told: string[] = [];
  let open = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const first = withClaim(store, "a", {}, async () => {
    t.ok(isClaimed(store, "a"));
    await gate;
    told.push("first");
  });
  const onWait = () => {
    told.push("waits");
    open();
  };
  const second = withClaim(store, "a", { onWait }, async () => told.push("second"));
  await Promise.all([first, second]);
  t.strictSame(told, ["waits", "first", "second"]);
  t.strictSame(readdirSync(join(store, "claims")), []);
});

t.test("the claim of who is gone is taken over, and what he left is swept away", async (t) => {
  const store = t.testdir({ claims: { a: "999999999-1", "b@999999999-1-1": "" }, tmp: { "999999999-1-1": { x: "" } } });
  t.notOk(isClaimed(store, "a"));
  await withClaim(store, "a", {}, async () => undefined);
  mkdirSync(join(store, "claims"), { recursive: true });
  writeFileSync(join(store, "claims/c"), "999999999-1");
  sweep(store);
  t.strictSame(readdirSync(join(store, "claims")), []);
  t.strictSame(readdirSync(join(store, "tmp")), []);
  let seen = "";
  await t.rejects(
    withSideDir(store, async (dir) => {
      seen = dir;
      t.ok(existsSync(dir));
      throw new Error("no");
    }),
  );
  t.notOk(existsSync(seen));
});

t.test("who gives up while he waits gets CANCELED", async (t) => {
  const store = t.testdir();
  const cancel = AbortSignal.abort();
  await withClaim(store, "a", {}, async () => {
    await t.rejects(
      withClaim(store, "a", { cancel }, async () => undefined),
      { code: "CANCELED" },
    );
  });
});

t.test("an image's name that looks like a mark is no mark", async (t) => {
  const store = t.testdir();
  const name = "docker.io/library/x:1.999999999-1-1";
  await withClaim(store, name, {}, async () => {
    sweep(store);
    t.ok(isClaimed(store, name));
  });
});

t.test("one that its remover had in hand when he ended goes back to who holds it", async (t) => {
  const store = t.testdir({ claims: {} });
  const claims = join(store, "claims");
  symlinkSync(makeMark(), join(claims, "a@999999999-1-1"));
  symlinkSync("999999999-1", join(claims, "b@999999999-1-2"));
  sweep(store);
  t.strictSame(readdirSync(claims), ["a"]);
  t.ok(isClaimed(store, "a"));
});
