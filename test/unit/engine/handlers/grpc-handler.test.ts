import { createServer, type ServerHttp2Stream } from "node:http2";
import t from "tap";
import { makeFrame, makeRequest, parseAnswer } from "../../../../src/engine/handlers/grpc-handler.ts";
import { runHandler } from "../../../../src/engine/handlers/run-handler.ts";
import { aServer, aTarget, listen, nothingLeft, openSockets } from "./fixtures.ts";

const target = aTarget(t);
const check = (port: number, service = "", timeoutMs = 2000) =>
  runHandler(target, { kind: "grpc", port, service }, { timeoutMs });

interface Call {
  readonly path: string;
  readonly body: Buffer;
}

/** A health service that answers as it is told, by the trailers and the message. */
async function aHealthService(
  t: Parameters<typeof aServer>[0],
  answer: (call: Call, stream: ServerHttp2Stream) => void,
) {
  const server = createServer();
  server.on("stream", (stream, headers) => {
    const pieces: Buffer[] = [];
    stream.on("error", () => undefined).on("data", (piece: Buffer) => pieces.push(piece));
    stream.on("end", () => answer({ path: String(headers[":path"]), body: Buffer.concat(pieces) }, stream));
  });
  return await listen(t, server);
}

function reply(stream: ServerHttp2Stream, body: Buffer, trailers: Record<string, string>): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers(trailers));
  stream.end(body);
}

const withStatus = (status: number) => makeFrame(Buffer.from([0x08, status]));

t.test("SERVING is a success, and the service is asked by its name", async (t) => {
  const calls: Call[] = [];
  const port = await aHealthService(t, (call, stream) => {
    calls.push(call);
    reply(stream, withStatus(1), { "grpc-status": "0" });
  });
  const before = openSockets();
  t.same(await check(port), { ok: true, message: "" });
  t.same(await check(port, "shop.Cart"), { ok: true, message: "" });
  t.same(calls, [
    { path: "/grpc.health.v1.Health/Check", body: Buffer.from([0, 0, 0, 0, 0]) },
    { path: "/grpc.health.v1.Health/Check", body: Buffer.from("\0\0\0\0\x0b\x0a\x09shop.Cart", "latin1") },
  ]);
  await nothingLeft(before);
});

t.test("every other status is a failure, by its name", async (t) => {
  for (const [body, trailers, message] of [
    [withStatus(2), { "grpc-status": "0" }, "NOT_SERVING"],
    [withStatus(3), { "grpc-status": "0" }, "SERVICE_UNKNOWN"],
    [withStatus(9), { "grpc-status": "0" }, "status 9"],
    [makeFrame(Buffer.alloc(0)), { "grpc-status": "0" }, "UNKNOWN"],
    [Buffer.alloc(0), { "grpc-status": "0" }, "the answer is not gRPC"],
    [Buffer.alloc(0), { "grpc-status": "5", "grpc-message": "no%20such%20thing" }, "NOT_FOUND: no such thing"],
    [Buffer.alloc(0), { "grpc-status": "12" }, "UNIMPLEMENTED: the server has no health service"],
    [Buffer.alloc(0), { "grpc-status": "4" }, "DEADLINE_EXCEEDED"],
    [Buffer.alloc(0), { "grpc-status": "99" }, "status 99"],
    [withStatus(1), {}, "the answer is not gRPC"],
    [Buffer.alloc(20_000), { "grpc-status": "0" }, "the answer is too long"],
  ] as [Buffer, Record<string, string>, string][]) {
    const port = await aHealthService(t, (_, stream) => reply(stream, body, trailers));
    t.same(await check(port), { ok: false, message });
  }
});

t.test("a status may come with the headers, without a body", async (t) => {
  const port = await aHealthService(t, (_, stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc", "grpc-status": "12" }, { endStream: true });
  });
  t.match(await check(port), { ok: false, message: /^UNIMPLEMENTED/ });
  const other = await aHealthService(t, (_, stream) => stream.respond({ ":status": 404 }, { endStream: true }));
  t.same(await check(other), { ok: false, message: "HTTP 404" });
});

t.test("whoever speaks no gRPC makes the probe fail in time", async (t) => {
  t.same(await check(1), { ok: false, message: "connection refused" });
  for (const [behave, message] of [
    [() => undefined, /^no answer in 0.3 s$/],
    [(socket: import("node:net").Socket) => socket.end(), /^the connection closed without an answer$/],
    [
      (socket: import("node:net").Socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"),
      /^the answer is not HTTP\/2$/,
    ],
    [(socket: import("node:net").Socket) => socket.write(Buffer.alloc(1 << 20)), /not HTTP\/2|without an answer/],
  ] as const) {
    const before = openSockets();
    const port = await aServer(t, behave);
    const began = Date.now();
    t.match(await check(port, "", 300), { ok: false, message });
    t.ok(Date.now() - began < 2500);
    await nothingLeft(before + 2);
  }
  const silent = await aHealthService(t, () => undefined);
  t.same(await check(silent, "", 300), { ok: false, message: "no answer in 0.3 s" });
  const resets = await aHealthService(t, (_, stream) => stream.close(8));
  t.equal((await check(resets, "", 1000)).ok, false);
  const byHalves = await aHealthService(t, (_, stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" });
    stream.write(Buffer.from([0, 0]));
  });
  t.same(await check(byHalves, "", 300), { ok: false, message: "no answer in 0.3 s" });
});

t.test("messages are written and read by hand", async (t) => {
  t.same(makeRequest(""), Buffer.alloc(0));
  t.same(makeRequest("x".repeat(300)).subarray(0, 3), Buffer.from([0x0a, 0xac, 0x02]));
  t.equal(parseAnswer(withStatus(1)), 1);
  // Fields that nobody told us of: a string, two fixed numbers, another varint.
  const unknown = [0x12, 2, 65, 66, 0x19, 0, 0, 0, 0, 0, 0, 0, 0, 0x25, 0, 0, 0, 0, 0x30, 0x80, 1, 0x08, 1];
  t.equal(parseAnswer(makeFrame(Buffer.from(unknown))), 1);
  for (const broken of [[0x08], [0x12, 200], [0x0b], [0x08, 0x80], [0x19, 0]])
    t.equal(parseAnswer(makeFrame(Buffer.from(broken))), undefined, String(broken));
  t.equal(parseAnswer(Buffer.from([1, 0, 0, 0, 2, 8, 1])), undefined, "compressed");
  t.equal(parseAnswer(Buffer.from([0, 0, 0, 0, 9, 8, 1])), undefined, "longer than it is");
});
