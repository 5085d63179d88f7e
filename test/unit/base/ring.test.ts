import t from "tap";
import { Ring } from "../../../src/base/ring.ts";

t.test("a ring that nobody waited for wakes the next one who does, once", async (t) => {
  const bell = new Ring();
  await bell.rung();
  bell.ring();
  bell.ring();
  await bell.rung();
  let isWoken = false;
  const waiting = bell.rung().then(() => {
    isWoken = true;
  });
  await new Promise(setImmediate);
  t.equal(isWoken, false, "the two were one");
  bell.ring();
  await waiting;
});
