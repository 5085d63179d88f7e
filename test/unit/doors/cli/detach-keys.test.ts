import fc from "fast-check";
import t from "tap";
import { DEFAULT_DETACH_KEYS, DetachKeys, parseDetachKeys } from "../../../../src/doors/cli/detach-keys.ts";

t.test("keys are written as podman writes them", async (t) => {
  const table: [text: string, keys: number[]][] = [
    [DEFAULT_DETACH_KEYS, [16, 17]],
    ["", []],
    ["a", [97]],
    ["ctrl-A,ctrl-@,ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_", [1, 0, 27, 28, 29, 30, 31]],
    ["ctrl-a,a,Z,~", [1, 97, 90, 126]],
  ];
  for (const [text, keys] of table) t.same(parseDetachKeys(text), keys, text);
  for (const bad of ["ctrl-", "ctrl-1", "ab", "ctrl-p,", "é", " "]) {
    t.throws(() => parseDetachKeys(bad), { code: "BAD_USAGE", message: /is not a key/ }, bad);
  }
});

t.test("what is not the whole sequence reaches the container, in order", async (t) => {
  const keys = new DetachKeys([16, 17]);
  const take = (...typed: number[]) => {
    const { bytes, isDetached } = keys.take(Buffer.from(typed));
    return [...bytes, ...(isDetached ? ["left"] : [])];
  };
  t.same(take(1, 2), [1, 2]);
  t.same(take(16), [], "it may be the beginning");
  t.same(take(3), [16, 3]);
  t.same(take(16, 16), [16]);
  t.same(take(17, 5), ["left"], "what follows is nobody's");
});

t.test("however it is cut into pieces, all arrives up to the sequence", async () => {
  const byte = fc.constantFrom(1, 2, 3);
  fc.assert(
    fc.property(fc.array(fc.array(byte)), fc.array(byte, { minLength: 1, maxLength: 3 }), (pieces, sequence) => {
      const keys = new DetachKeys(sequence);
      const passed: number[] = [];
      const typed = pieces.flat();
      for (const piece of pieces) {
        const { bytes, isDetached } = keys.take(Buffer.from(piece));
        passed.push(...bytes);
        if (isDetached) return typed.slice(0, passed.length).every((key, index) => key === passed[index]);
      }
      return typed.slice(0, passed.length).every((key, index) => key === passed[index]);
    }),
  );
});
