// CRIU keeps what was in a FIFO and had not been read. What was in a container's output is read by our own io all the same:
// put back, it would come twice. So it is taken out of the image. Pure. The form: criu's images/pipe-data.proto, behind two
// magic numbers; entries of a length, a protobuf message and the bytes themselves.

import { PeapodError } from "../base/errors.ts";

const HEAD_BYTES = 8;

/** The image without what these inodes held; the same image where it holds nothing of theirs. @throws STATE_DAMAGED */
export function dropFifoData(image: Buffer, inodes: ReadonlySet<number>): Buffer {
  const kept: Buffer[] = [image.subarray(0, HEAD_BYTES)];
  let at = HEAD_BYTES;
  while (at < image.length) {
    const begin = at;
    const size = readSize(image, at);
    const fields = parseNumbers(image.subarray(at + 4, at + 4 + size));
    at += 4 + size + (fields.get(2) ?? 0);
    if (at > image.length) throw damaged();
    // CRIU counts inodes with 32 bits here.
    const pipeId = fields.get(1) ?? 0;
    if (![...inodes].some((inode) => inode % 2 ** 32 === pipeId)) kept.push(image.subarray(begin, at));
  }
  return Buffer.concat(kept);
}

function readSize(image: Buffer, at: number): number {
  if (at + 4 > image.length) throw damaged();
  return image.readUInt32LE(at);
}

/** A message that has numbers alone, by field. */
function parseNumbers(message: Buffer): ReadonlyMap<number, number> {
  const found = new Map<number, number>();
  let at = 0;
  const next = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = message[at];
      if (byte === undefined) throw damaged();
      at += 1;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const key = next();
    if (key % 8 !== 0) throw damaged();
    found.set(Math.floor(key / 8), next());
  }
  return found;
}

function damaged(): PeapodError {
  return new PeapodError("STATE_DAMAGED", "fifo-data.img: is not of the form that CRIU 3 and 4 write");
}
