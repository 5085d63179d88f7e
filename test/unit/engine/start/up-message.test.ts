import { readdirSync } from "node:fs";
import t from "tap";
import { holdText, readHeldText } from "../../../../src/engine/start/up-message.ts";

t.test("a text of any size is read through a descriptor, and has no name", async (t) => {
  const before = readdirSync("/dev/shm").filter((name) => name.startsWith("peapod-"));
  const text = "x".repeat(300_000);
  const held = holdText(text);
  t.equal(readHeldText(held.path), text);
  t.equal(readHeldText(held.path), text, "twice");
  t.same(
    readdirSync("/dev/shm").filter((name) => name.startsWith("peapod-")),
    before,
  );
  held.release();
  t.throws(() => readHeldText(held.path));
});
