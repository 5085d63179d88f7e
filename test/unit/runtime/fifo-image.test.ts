// Images as CRIU writes them: two magic numbers, then entries of a length, a message and the bytes that it counts.

import fc from "fast-check";
import t from "tap";
import { dropFifoData } from "../../../src/runtime/fifo-image.ts";

const HEAD = Buffer.from([0x19, 0x43, 0x56, 0x54, 0x54, 0x30, 0x33, 0x59]);

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

function anEntry(pipeId: number, text: string, pipeSize = 65536): Buffer {
  const message = [8, ...varint(pipeId), 16, ...varint(Buffer.byteLength(text)), 24, ...varint(pipeSize)];
  const size = Buffer.alloc(4);
  size.writeUInt32LE(message.length);
  return Buffer.concat([size, Buffer.from(message), Buffer.from(text)]);
}

const anImage = (...entries: Buffer[]) => Buffer.concat([HEAD, ...entries]);

t.test("what was in our FIFOs goes, what was in the container's own stays", async (t) => {
  const own = anEntry(77, "its own");
  const image = anImage(anEntry(0x24e2e1, "a line\n"), own, anEntry(0x24e301, ""));
  t.same(dropFifoData(image, new Set([0x24e2e1, 0x24e301])), anImage(own));
  t.same(dropFifoData(image, new Set()), image);
  t.same(dropFifoData(HEAD, new Set([1])), HEAD);
});

t.test("an inode beyond 32 bits is found by what CRIU keeps of it", async (t) => {
  t.same(dropFifoData(anImage(anEntry(5, "x")), new Set([2 ** 32 + 5])), HEAD);
});

t.test("whatever they hold, exactly the others are left", async (t) => {
  const entries = fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.string({ maxLength: 300 })), { maxLength: 8 });
  fc.assert(
    fc.property(entries, fc.uniqueArray(fc.integer({ min: 1, max: 9 })), (all, ours) => {
      const of = (some: typeof all) => anImage(...some.map(([id, text]) => anEntry(id, text)));
      t.same(dropFifoData(of(all), new Set(ours)), of(all.filter(([id]) => !ours.includes(id))));
    }),
    { numRuns: 100 },
  );
});

t.test("what is cut off or of another form is damaged, not guessed at", async (t) => {
  const whole = anImage(anEntry(5, "hello"));
  for (const length of [9, 13, whole.length - 1])
    t.throws(() => dropFifoData(whole.subarray(0, length), new Set()), { code: "STATE_DAMAGED" }, `${length} bytes`);
});
