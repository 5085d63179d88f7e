// The client's end of io's attach socket, as docs/streams.md describes it. Carries bytes and decides nothing.

import { closeSync, constants, openSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { basename, dirname } from "node:path";
import type { StreamName } from "./log-line.ts";

const HEAD_BYTES = 5;
/** What io may send at once, with room for later; more is no frame of its. */
const MOST_BYTES = 1024 * 1024;

const INPUT = 0;
const STDOUT = 1;
const STDERR = 2;
const SIZE = 3;
const OPEN_INPUT = 4;
const HELLO = 5;
const SKIPPED = 6;
const END = 7;

export interface Hello {
  readonly version: number;
  readonly hasTerminal: boolean;
  /** Nobody has ended it yet. */
  readonly hasInput: boolean;
}

export interface AttachEars {
  readonly onOutput: (stream: StreamName, bytes: Buffer) => void;
  /** So many bytes were not sent, since we did not read. */
  readonly onSkipped: (bytes: number) => void;
}

export interface AttachConnection {
  readonly hello: Hello;
  /** `ended`: all that the container wrote was sent. `closed`: io is gone, or has enough of us. */
  readonly over: Promise<"ended" | "closed">;
  /** Counts from now on as one who gives input (stdinOnce). */
  openInput(): void;
  /** Resolves when more may follow; a container that does not read keeps it waiting. */
  write(bytes: Buffer): Promise<void>;
  endInput(): void;
  resize(rows: number, columns: number): void;
  close(): void;
}

/** Rejects with a Node system error where nobody listens. */
export async function connectAttach(path: string, ears: AttachEars): Promise<AttachConnection> {
  const socket = await connect(path);
  let isEnded = false;
  let rest: Buffer = Buffer.alloc(0);
  return await new Promise((resolve, reject) => {
    const over = new Promise<"ended" | "closed">((tell) => {
      socket.once("close", () => {
        tell(isEnded ? "ended" : "closed");
        // Without effect where it said hello.
        reject(Object.assign(new Error("closed before it said hello"), { code: "ECONNRESET" }));
      });
    });
    const hear = (type: number, data: Buffer) => {
      if (type === HELLO) resolve(makeConnection(socket, parseHello(data), over));
      else if (type === STDOUT || type === STDERR) ears.onOutput(type === STDOUT ? "stdout" : "stderr", data);
      else if (type === SKIPPED) ears.onSkipped(Number(data.readBigUInt64BE()));
      else if (type === END) isEnded = true;
    };
    socket.on("data", (bytes: Buffer) => {
      rest = takeFrames(rest.length === 0 ? bytes : Buffer.concat([rest, bytes]), hear);
      if (rest.length > MOST_BYTES) socket.destroy();
    });
  });
}

/** Calls `hear` for each whole frame and returns what is left. */
export function takeFrames(bytes: Buffer, hear: (type: number, data: Buffer) => void): Buffer {
  let at = 0;
  while (bytes.length - at >= HEAD_BYTES) {
    const end = at + HEAD_BYTES + bytes.readUInt32BE(at + 1);
    if (end > bytes.length) break;
    hear(bytes[at] ?? 0, bytes.subarray(at + HEAD_BYTES, end));
    at = end;
  }
  return bytes.subarray(at);
}

export function makeFrame(type: number, data: Buffer): Buffer {
  const frame = Buffer.alloc(HEAD_BYTES + data.length);
  frame.writeUInt8(type, 0);
  frame.writeUInt32BE(data.length, 1);
  data.copy(frame, HEAD_BYTES);
  return frame;
}

function makeConnection(socket: Socket, hello: Hello, over: AttachConnection["over"]): AttachConnection {
  const send = (type: number, data: Buffer = Buffer.alloc(0)) => socket.write(makeFrame(type, data));
  return {
    hello,
    over,
    openInput: () => void send(OPEN_INPUT),
    async write(bytes) {
      if (bytes.length === 0 || send(INPUT, bytes)) return;
      await new Promise<void>((resolve) => {
        const go = () => {
          socket.off("drain", go).off("close", go);
          resolve();
        };
        socket.on("drain", go).on("close", go);
        if (socket.destroyed) go();
      });
    },
    endInput: () => void send(INPUT),
    resize(rows, columns) {
      const size = Buffer.alloc(4);
      size.writeUInt16BE(Math.min(rows, 0xffff), 0);
      size.writeUInt16BE(Math.min(columns, 0xffff), 2);
      send(SIZE, size);
    },
    // What was given before still arrives.
    close: () => void socket.end(() => socket.destroy()),
  };
}

function parseHello(data: Buffer): Hello {
  const flags = data[1] ?? 0;
  return { version: data[0] ?? 0, hasTerminal: (flags & 1) !== 0, hasInput: (flags & 2) !== 0 };
}

/** By a descriptor of its directory: a socket's path may have 107 bytes only. */
async function connect(path: string): Promise<Socket> {
  const dir = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    return await new Promise((resolve, reject) => {
      const socket = createConnection(`/proc/self/fd/${dir}/${basename(path)}`);
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        // The close that follows tells enough.
        socket.on("error", () => undefined);
        resolve(socket);
      });
    });
  } finally {
    closeSync(dir);
  }
}
