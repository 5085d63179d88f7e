import fc from "fast-check";
import t from "tap";
import { makeFrame, takeFrames } from "../../../src/io/attach-client.ts";

t.test("frames come out as they went in, in whatever pieces", async () => {
  const frame = fc.tuple(fc.nat(255), fc.uint8Array({ maxLength: 40 }));
  fc.assert(
    fc.property(fc.array(frame), fc.integer({ min: 1, max: 7 }), (frames, size) => {
      const all = Buffer.concat(frames.map(([type, data]) => makeFrame(type, Buffer.from(data))));
      const heard: [number, string][] = [];
      let rest: Buffer = Buffer.alloc(0);
      for (let at = 0; at < all.length; at += size) {
        const more = Buffer.concat([rest, all.subarray(at, at + size)]);
        rest = takeFrames(more, (type, data) => heard.push([type, data.toString("hex")]));
      }
      const sent = frames.map(([type, data]) => [type, Buffer.from(data).toString("hex")]);
      return rest.length === 0 && JSON.stringify(heard) === JSON.stringify(sent);
    }),
  );
});
